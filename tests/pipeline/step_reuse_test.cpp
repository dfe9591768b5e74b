// Renders of the pocket model in which steps are left out.
#include "diffusion/step_reuse.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "checkpoint/pocket.h"
#include "diffusion/sigmas.h"
#include "models/golden.h"
#include "pipeline/sample.h"

namespace obscura::pipeline {
namespace {

Condition reused_condition(const char* states, const char* pooled) {
  Condition condition;
  condition.states = models::reference(states);
  condition.pooled = models::reference(pooled);
  return condition;
}

class StepReuseRender : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto file = ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value();
    model = load_model(file).value();
    session = std::make_unique<runtime::Session>(backend::create_device("cpu").value());
  }
  static void TearDownTestSuite() {
    session.reset();
    model.reset();
  }

  // Images of 128x128 in twelve steps, one for each seed.
  static Sampled render(std::optional<StepReuse> reuse, std::vector<std::uint64_t> seeds = {42}) {
    auto patched = std::make_shared<DiffusionModel>(*model);
    patched->patches.reuse = reuse;
    SampleRequest request;
    request.model = patched;
    request.guidance.positive = {{reused_condition("in.context", "in.pooled")}};
    request.guidance.negative = {{reused_condition("in.uncond.context", "in.uncond.pooled")}};
    request.guidance.cfg = 5;
    request.sigmas = diffusion::make_sigmas("normal", model->schedule, 12).value();
    request.latent.samples = Tensor(Shape{static_cast<std::int64_t>(seeds.size()), 4, 16, 16});
    request.latent.seeds = std::move(seeds);
    return sample(*session, request).value();
  }

  static inline std::shared_ptr<const DiffusionModel> model;
  static inline std::unique_ptr<runtime::Session> session;
};

bool equal_latents(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.elements()) * 4) == 0;
}

TEST_F(StepReuseRender, OfThresholdZeroHasTheBitsOfNone) {
  const Sampled plain = render(std::nullopt);
  EXPECT_TRUE(plain.reuse.empty());
  for (auto of : {StepReuse::Of::kNetwork, StepReuse::Of::kDenoiser}) {
    const Sampled found = render(StepReuse{.of = of, .threshold = 0});
    EXPECT_TRUE(equal_latents(plain.latent.samples, found.latent.samples));
    ASSERT_EQ(found.reuse.size(), 1u);
    EXPECT_EQ(found.reuse[0].asked, 12);
    EXPECT_TRUE(found.reuse[0].left_out.empty());
  }
}

TEST_F(StepReuseRender, LeavesStepsOutAndStaysClose) {
  const Tensor plain = render(std::nullopt).latent.samples;
  // Twelve steps are few: the latents differ by 0.08 and 0.24 of their size.
  for (auto [of, bound] :
       {std::pair(StepReuse::Of::kNetwork, 0.15), {StepReuse::Of::kDenoiser, 0.35}}) {
    const Sampled some = render(StepReuse{.of = of, .threshold = 0.1});
    const Sampled more = render(StepReuse{.of = of, .threshold = 0.5});
    EXPECT_LT(models::relative_error(some.latent.samples, plain), bound);
    EXPECT_GT(some.reuse.at(0).left_out.size(), 0u);
    EXPECT_GT(more.reuse.at(0).left_out.size(), some.reuse[0].left_out.size());
    // Neither while the first steps are learned from, nor at the end.
    for (int call : more.reuse[0].left_out) EXPECT_TRUE(call >= 2 && call < 11) << call;
  }
}

// EasyCache looks at each image by itself.
TEST_F(StepReuseRender, AnImagesBitsDoNotDependOnTheBatch) {
  const StepReuse reuse{.threshold = 0.3};
  const Sampled both = render(reuse, {7, 42});
  const Sampled alone = render(reuse, {42});
  ASSERT_EQ(both.reuse.size(), 2u);
  EXPECT_EQ(both.reuse[1].left_out, alone.reuse[0].left_out);
  EXPECT_TRUE(equal_latents(both.latent.samples.slice(1), alone.latent.samples));
}

}  // namespace
}  // namespace obscura::pipeline
