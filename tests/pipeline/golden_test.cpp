// The pocket model on each device against diffusers, from file to result: recognised, built, fused,
// planned and run as in production.
#include <gtest/gtest.h>

#include "backend/backend.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/kinds/vae.h"
#include "checkpoint/recognise.h"
#include "ir/tap.h"
#include "models/unet_stages.h"
#include "models/vae/vae.h"
#include "runtime/program.h"

namespace obscura {
namespace {

using models::channels_last;
using models::reference;
using models::relative_error;

const checkpoint::CheckpointLayout& layout() {
  static const checkpoint::CheckpointLayout kLayout =
      checkpoint::recognise(models::pocket_file()).value();
  return kLayout;
}

const checkpoint::Component& component(const checkpoint::NetworkKind& kind) {
  return *layout().component(kind);
}

runtime::StoredTensor stored(const io::TensorEntry& entry) {
  return {entry.dtype, entry.shape, entry.bytes};
}

std::shared_ptr<runtime::WeightStore> weights_of(const checkpoint::NetworkKind& kind) {
  auto store = std::make_shared<runtime::WeightStore>("pocket " + std::string(kind.id), nullptr);
  for (const auto& [name, entry] : component(kind).tensors()) {
    store->add(std::string(name), stored(*entry));
  }
  return store;
}

// In float32, by the name of the device.
class Golden : public testing::TestWithParam<const char*> {
 public:
  static inline std::unique_ptr<backend::Device> device;

 protected:
  void SetUp() override {
    auto made = backend::create_device(GetParam(), "fp32");
    if (!made.ok()) GTEST_SKIP() << made.error().message();
    device = std::move(*made);
  }
};

INSTANTIATE_TEST_SUITE_P(Devices, Golden, testing::Values("cpu", "cuda"),
                         [](const auto& test) { return std::string(test.param); });

// Runs a network once; the weights are the pocket model's unless others are given.
ir::NamedTensors run(const checkpoint::NetworkKind& kind, Result<ir::Graph> graph,
                     const ir::NamedTensors& inputs,
                     const std::shared_ptr<runtime::WeightStore>& weights = nullptr) {
  auto program = runtime::Program::build(*Golden::device, std::move(graph).value(),
                                         weights ? weights : weights_of(kind), std::nullopt)
                     .value();
  EXPECT_TRUE(program->load().ok());

  const ir::Graph& lowered = program->graph();
  std::map<std::string, std::vector<std::int32_t>> integers;
  std::vector<backend::InputBinding> input_bindings;
  for (ir::ValueId id : lowered.inputs) {
    const ir::Value& value = lowered.value(id);
    const Tensor& given = inputs.at(value.name);
    EXPECT_EQ(given.shape(), value.type.shape) << value.name;
    std::span<const std::byte> bytes = std::as_bytes(given.values());
    if (value.type.dtype == DType::kI32) {
      auto& ids = integers[value.name];
      ids.assign(given.values().begin(), given.values().end());
      bytes = std::as_bytes(std::span(ids));
    }
    input_bindings.push_back({value.name, bytes});
  }
  ir::NamedTensors outputs;
  std::vector<backend::OutputBinding> output_bindings;
  for (const ir::Output& output : lowered.outputs) {
    Tensor& result = outputs[output.name] = Tensor(lowered.type(output.value).shape);
    output_bindings.push_back({output.name, std::as_writable_bytes(result.values())});
  }
  Status status = program->run(input_bindings, output_bindings, {});
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message());
  return outputs;
}

Tensor columns(const Tensor& x, std::int64_t begin, std::int64_t count) {
  Shape shape = x.shape();
  std::int64_t width = shape[-1];
  shape.set(-1, count);
  Tensor y(shape);
  for (std::int64_t row = 0; row < x.elements() / width; ++row) {
    std::copy_n(x.data() + row * width + begin, count, y.data() + row * count);
  }
  return y;
}

TEST_P(Golden, TokenStatesAgreeWithDiffusers) {
  Tensor cond = reference("in.context");
  auto l = run(checkpoint::kClipL,
               models::build_text_encoder(component(checkpoint::kClipL),
                                          layout().text_encoder_config(checkpoint::kClipL), {}),
               {{"ids", reference("in.clip_l.ids")}});
  std::int64_t width = l.at("hidden").shape()[-1];
  EXPECT_LT(relative_error(l.at("hidden"), columns(cond, 0, width)), 1e-5);

  Tensor ids = reference("in.clip_g.ids");
  const float* end = std::find(ids.data(), ids.data() + ids.elements(), 49407.0f);
  auto g =
      run(checkpoint::kClipG,
          models::build_text_encoder(component(checkpoint::kClipG),
                                     layout().text_encoder_config(checkpoint::kClipG),
                                     {.pooled = true}),
          {{"ids", ids}, {"eos", Tensor::filled(Shape{1}, static_cast<float>(end - ids.data()))}});
  EXPECT_LT(relative_error(g.at("hidden"), columns(cond, width, cond.shape()[-1] - width)), 1e-5);
  EXPECT_LT(relative_error(g.at("pooled"), reference("in.pooled")), 1e-5);
}

Result<ir::Graph> unet(std::int64_t batch, std::int64_t height, std::int64_t width) {
  return models::build_unet(component(checkpoint::kUNet), layout().unet_config(),
                            {.batch = batch, .height = height, .width = width});
}

TEST_P(Golden, UNetPredictsWhatDiffusersPredicts) {
  ir::NamedTensors inputs = models::unet_reference_inputs();
  auto cond = run(checkpoint::kUNet, unet(1, 32, 32), inputs);
  EXPECT_LT(relative_error(cond.at("eps"), channels_last(reference("out.eps"))), 1e-4);
  inputs["context"] = reference("in.uncond.context");
  inputs["y"] = models::label(reference("in.uncond.pooled"), {{256, 256, 0, 0, 256, 256}});
  auto uncond = run(checkpoint::kUNet, unet(1, 32, 32), inputs);
  EXPECT_LT(relative_error(uncond.at("eps"), channels_last(reference("out.uncond.eps"))), 1e-4);
}

// Tapped, so that a mistake is found where it is made.
TEST_P(Golden, UNetAgreesWithDiffusersAtEveryStage) {
  Result<ir::Graph> graph = unet(1, 32, 32);
  ASSERT_TRUE(ir::tap(*graph, models::kUNetStages).ok());
  auto outputs = run(checkpoint::kUNet, std::move(graph), models::unet_reference_inputs());
  EXPECT_EQ(models::first_stage_that_differs(outputs, 1e-4), "none");
}

TEST_P(Golden, NamesTheStageOfAPlantedMistake) {
  Result<ir::Graph> graph = unet(1, 32, 32);
  ASSERT_TRUE(ir::tap(*graph, models::kUNetStages).ok());
  const std::string block = "input_blocks.4.1.transformer_blocks.0.attn1.";
  auto wrong = std::make_shared<runtime::WeightStore>("pocket unet with v in place of q", nullptr);
  wrong->add(block + "to_q.weight",
             stored(*component(checkpoint::kUNet).entry(block + "to_v.weight")));
  for (const auto& [name, entry] : component(checkpoint::kUNet).tensors()) {
    wrong->add(std::string(name), stored(*entry));
  }
  auto outputs = run(checkpoint::kUNet, std::move(graph), models::unet_reference_inputs(), wrong);
  std::string stage = models::first_stage_that_differs(outputs, 1e-4);
  EXPECT_TRUE(stage.starts_with("input_blocks.4.1 by ")) << stage;
}

TEST_P(Golden, UNetTakesABatchOfTwoSizesAndFractionalTimesteps) {
  Tensor contexts[] = {reference("in.context"), reference("in.uncond.context")};
  Tensor pooled[] = {reference("in.pooled"), reference("in.uncond.pooled")};
  ir::NamedTensors inputs = {
      {"x", channels_last(reference("in.rect.x"))},
      {"timestep", reference("in.rect.timestep")},
      {"context", concatenate(contexts)},
      {"y", models::label(concatenate(pooled),
                          {{192, 320, 0, 0, 192, 320}, {512, 768, 16, 8, 192, 320}})}};
  auto outputs = run(checkpoint::kUNet, unet(2, 24, 40), inputs);
  EXPECT_LT(relative_error(outputs.at("eps"), channels_last(reference("out.rect.eps"))), 1e-4);
}

TEST_P(Golden, VaeDecodesWhatDiffusersDecodes) {
  Tensor latent = channels_last(reference("x_20"));
  for (float& value : latent.values()) value /= layout().family->latents.scale;
  auto outputs =
      run(checkpoint::kVae, models::build_vae_decoder(component(checkpoint::kVae), 1, 32, 32),
          {{"latent", latent}});
  EXPECT_LT(relative_error(outputs.at("image"), channels_last(reference("out.decode.image"))),
            1e-4);
}

TEST_P(Golden, VaeEncodesWhatDiffusersEncodes) {
  Tensor image = channels_last(reference("out.decode.image"));
  for (float& value : image.values()) value = std::clamp(value, -1.0f, 1.0f);
  auto outputs =
      run(checkpoint::kVae, models::build_vae_encoder(component(checkpoint::kVae), 1, 256, 256),
          {{"image", image}});
  const Tensor& moments = outputs.at("moments");
  const Tensor wanted = channels_last(reference("out.encode.moments"));
  for (std::int64_t first : {0, 4})  // means, then logarithms of variances
    EXPECT_LT(relative_error(columns(moments, first, 4), columns(wanted, first, 4)), 1e-4);
}

}  // namespace
}  // namespace obscura
