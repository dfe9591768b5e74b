// Hooks over the pocket model: a LoRA by a hook against the same LoRA put on the model.
#include <gtest/gtest.h>

#include <filesystem>

#include "adapter/adapter_samples.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/pocket.h"
#include "io/test_folder.h"
#include "library/model_folders.h"
#include "models/golden.h"
#include "nodes/node_harness.h"
#include "pipeline/denoiser.h"
#include "pipeline/hooks.h"

namespace obscura::nodes {
namespace {

using pipeline::Condition;
using pipeline::Conditioning;
using pipeline::DiffusionModel;
using pipeline::HookKeyframe;
using pipeline::Hooks;
using pipeline::TextEncoders;

Value hook_number(double value) {
  return Value::number(value);
}

class HookNodes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    session = std::make_unique<runtime::Session>(backend::create_device("cpu").value());
  }
  static void TearDownTestSuite() { session.reset(); }

  void SetUp() override {
    std::filesystem::create_directories(folder_.path() / "loras");
    std::filesystem::copy_file(golden::path("golden_lora.safetensors"),
                               folder_.path() / "loras" / "golden.safetensors");
    folders_.add_root(folder_.path());
    folders_.add_embedded("pocket", checkpoint::pocket_model(), "pocket");
    environment_.provide(folders_);
    environment_.provide(*session);
    base_ = pipeline::load_checkpoint(folders_.open("checkpoints", "pocket").value()).value();
  }

  Value call(const std::string& type, GivenInputs inputs) {
    return only_output(type, std::move(inputs), environment_);
  }
  Value lora_hook(double strength) {
    return call("CreateHookLora", {{"lora_name", Value::string("golden.safetensors")},
                                   {"strength_model", hook_number(strength)}});
  }
  std::shared_ptr<const DiffusionModel> with_lora(double strength) {
    return call("LoraLoaderModelOnly", {{"model", Value::handle("MODEL", base_.model)},
                                        {"lora_name", Value::string("golden.safetensors")},
                                        {"strength_model", hook_number(strength)}})
        .share<DiffusionModel>();
  }

  static Value prompt(const char* states, const char* pooled) {
    Condition condition;
    condition.states = models::reference(states);
    condition.pooled = models::reference(pooled);
    return conditioning_value({{condition}});
  }
  Conditioning hooked_prompt(const Value& hooks) {
    return call("ConditioningSetProperties",
                {{"cond_NEW", prompt("in.context", "in.pooled")}, {"hooks", hooks}})
        .get<Conditioning>();
  }

  // What the model predicts for these prompts, at this timestep of 1000.
  Tensor denoised(const std::shared_ptr<const DiffusionModel>& model, Conditioning positive,
                  double cfg = 1, double timestep = 500) {
    pipeline::Guidance guidance{
        .positive = std::move(positive),
        .negative = prompt("in.uncond.context", "in.uncond.pooled").get<Conditioning>(),
        .third = {},
        .cfg = cfg};
    pipeline::GuidedDenoiser denoiser(*session, model, guidance, false, {});
    auto result =
        denoiser(models::reference("x_10"), static_cast<float>(model->schedule.sigma(timestep)));
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message());
    return result.ok() ? result->x0 : Tensor();
  }

  io::TestFolder folder_;
  library::ModelFolders folders_;
  graph::Environment environment_;
  pipeline::Checkpoint base_;
  static inline std::unique_ptr<runtime::Session> session;
};

TEST_F(HookNodes, ChangeOnlyTheConditioningThatHasThem) {
  const Conditioning plain = prompt("in.context", "in.pooled").get<Conditioning>();
  const Conditioning hooked = hooked_prompt(lora_hook(0.8));
  const Tensor changed = denoised(with_lora(0.8), plain);
  EXPECT_EQ(values_of(denoised(base_.model, hooked)), values_of(changed));

  // With guidance the negative is the plain model's.
  const Tensor uncond =
      denoised(base_.model, prompt("in.uncond.context", "in.uncond.pooled").get<Conditioning>());
  Tensor wanted(changed.shape());
  for (std::int64_t i = 0; i < wanted.elements(); ++i)
    wanted.data()[i] = uncond.data()[i] + 5 * (changed.data()[i] - uncond.data()[i]);
  EXPECT_LT(models::relative_error(denoised(base_.model, hooked, 5), wanted), 1e-5);
  EXPECT_GT(models::relative_error(denoised(base_.model, plain, 5), wanted), 1e-3);
}

TEST_F(HookNodes, StackAndCombine) {
  const Value both =
      call("CombineHooks2", {{"hooks_A", lora_hook(0.5)}, {"hooks_B", lora_hook(0.3)}});
  const Tensor wanted =
      denoised(with_lora(0.8), prompt("in.context", "in.pooled").get<Conditioning>());
  EXPECT_LT(models::relative_error(denoised(base_.model, hooked_prompt(both)), wanted), 1e-5);

  const Value stacked =
      call("CreateHookLoraModelOnly", {{"lora_name", Value::string("golden.safetensors")},
                                       {"strength_model", hook_number(0.3)},
                                       {"prev_hooks", lora_hook(0.5)}});
  EXPECT_LT(models::relative_error(denoised(base_.model, hooked_prompt(stacked)), wanted), 1e-5);
  EXPECT_EQ(
      call("CombineHooks8", {{"hooks_C", both}, {"hooks_H", stacked}}).get<Hooks>().all.size(), 4u);
  EXPECT_TRUE(call("CombineHooks4", {}).get<Hooks>().all.empty());
  // Not even the file is looked for.
  EXPECT_TRUE(call("CreateHookLora", {{"lora_name", Value::string("gone.safetensors")},
                                      {"strength_model", hook_number(0)},
                                      {"strength_clip", hook_number(0)}})
                  .get<Hooks>()
                  .all.empty());
}

TEST_F(HookNodes, KeyframesSayWhenTheyCount) {
  Value frames = call("CreateHookKeyframe", {{"strength_mult", hook_number(0)}});
  frames = call("CreateHookKeyframe", {{"strength_mult", hook_number(0.5)},
                                       {"start_percent", hook_number(0.4)},
                                       {"prev_hook_kf", frames}});
  const Conditioning hooked =
      hooked_prompt(call("SetHookKeyframes", {{"hooks", lora_hook(1.6)}, {"hook_kf", frames}}));
  const Conditioning plain = prompt("in.context", "in.pooled").get<Conditioning>();
  EXPECT_EQ(values_of(denoised(base_.model, hooked, 1, 800)),
            values_of(denoised(base_.model, plain, 1, 800)));
  EXPECT_EQ(values_of(denoised(base_.model, hooked, 1, 300)),
            values_of(denoised(with_lora(0.8), plain, 1, 300)));
}

TEST_F(HookNodes, InterpolateKeyframes) {
  auto strengths = [&](const char* interpolation) {
    const Value frames =
        call("CreateHookKeyframesInterpolated", {{"strength_start", hook_number(0)},
                                                 {"strength_end", hook_number(4)},
                                                 {"interpolation", Value::string(interpolation)},
                                                 {"start_percent", hook_number(0.2)},
                                                 {"end_percent", hook_number(0.6)},
                                                 {"keyframes_count", Value::integer(5)}});
    const Value hooks = call("SetHookKeyframes", {{"hooks", lora_hook(1)}, {"hook_kf", frames}});
    std::vector<float> found;
    for (double percent : {0.0, 0.2, 0.31, 0.4, 0.5, 1.0})
      found.push_back(static_cast<float>(hooks.get<Hooks>().all[0].factor_at(percent)));
    return found;
  };
  EXPECT_EQ(strengths("linear"), (std::vector<float>{0, 0, 1, 2, 3, 4}));
  EXPECT_EQ(strengths("ease_in"), (std::vector<float>{0, 0, 0.25f, 1, 2.25f, 4}));
  EXPECT_EQ(strengths("ease_out"), (std::vector<float>{0, 0, 1.75f, 3, 3.75f, 4}));
  const std::vector<float> both = strengths("ease_in_out");
  EXPECT_NEAR(both[2], 2 - std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(both[3], 2, 1e-6);
}

// Another model in the LoRA's place: all the way it is that model, half way half of both.
TEST_F(HookNodes, AWholeModelAsAHook) {
  const Conditioning plain = prompt("in.context", "in.pooled").get<Conditioning>();
  auto towards = [&](double strength) {
    Hooks hooks;
    hooks.all.push_back({.model = with_lora(0.8), .model_strength = strength});
    return denoised(base_.model, hooked_prompt(Value::handle("HOOKS", std::move(hooks))));
  };
  EXPECT_EQ(values_of(towards(1)), values_of(denoised(with_lora(0.8), plain)));
  EXPECT_LT(models::relative_error(towards(0.5), denoised(with_lora(0.4), plain)), 1e-4);

  const Value made = call("CreateHookModelAsLora", {{"ckpt_name", Value::string("pocket")}});
  EXPECT_NE(made.get<Hooks>().all.at(0).model, nullptr);
  EXPECT_NE(made.get<Hooks>().all.at(0).text, nullptr);
  EXPECT_EQ(values_of(denoised(base_.model, hooked_prompt(made))),
            values_of(denoised(base_.model, plain)));
}

class ClipHooks : public HookNodes {
 protected:
  void SetUp() override {
    HookNodes::SetUp();
    const Shape fused = *base_.text->weights(checkpoint::kClipG)
                             ->find("transformer.resblocks.0.attn.in_proj_weight");
    std::mt19937 random(2);
    const std::string stem = "lora_te2_text_model_encoder_layers_0_self_attn_k_proj.";
    auto bytes = adapter::file_bytes(
        {{stem + "lora_up.weight", adapter::random_tensor(random, Shape{fused[1], 2})},
         {stem + "lora_down.weight", adapter::random_tensor(random, Shape{2, fused[1]})}});
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    ASSERT_TRUE(write_file_atomically(folder_.path() / "loras" / "text.safetensors", text).ok());
  }

  Value text_hook() {
    return call("CreateHookLora", {{"lora_name", Value::string("text.safetensors")}});
  }
  Value hooked_clip(const Value& hooks, bool scheduled, bool taken_along = true) {
    return call("SetClipHooks", {{"clip", Value::handle("CLIP", base_.text)},
                                 {"hooks", hooks},
                                 {"schedule_clip", Value::boolean(scheduled)},
                                 {"apply_to_conds", Value::boolean(taken_along)}});
  }
  Conditioning encoded(const Value& clip) {
    return call("CLIPTextEncode", {{"clip", clip}, {"text", Value::string("a red jar")}})
        .get<Conditioning>();
  }
  // By the encoders with the LoRA put on.
  std::vector<float> states_with_lora(double strength) {
    auto loaded = call_node("LoraLoader",
                            {{"model", Value::handle("MODEL", base_.model)},
                             {"clip", Value::handle("CLIP", base_.text)},
                             {"lora_name", Value::string("text.safetensors")},
                             {"strength_model", hook_number(1)},
                             {"strength_clip", hook_number(strength)}},
                            environment_);
    return values_of(encoded(loaded.value().at(1)).entries.at(0).states);
  }
};

TEST_F(ClipHooks, EncodeOnceAtFullStrength) {
  const Conditioning found = encoded(hooked_clip(text_hook(), false));
  ASSERT_EQ(found.entries.size(), 1u);
  EXPECT_EQ(values_of(found.entries[0].states), states_with_lora(1));
  EXPECT_NE(states_with_lora(1), states_with_lora(0));
  EXPECT_NE(found.entries[0].hooks, nullptr);
  EXPECT_EQ(encoded(hooked_clip(text_hook(), false, false)).entries[0].hooks, nullptr);
  const Value untouched = call("SetClipHooks", {{"clip", Value::handle("CLIP", base_.text)}});
  EXPECT_EQ(untouched.share<TextEncoders>(), base_.text);
}

TEST_F(ClipHooks, EncodeForEachKeyframe) {
  const Value frames =
      call("CreateHookKeyframesInterpolated", {{"strength_start", hook_number(0)},
                                               {"interpolation", Value::string("linear")},
                                               {"strength_end", hook_number(1)},
                                               {"end_percent", hook_number(0.5)},
                                               {"keyframes_count", Value::integer(2)}});
  const Conditioning found = encoded(
      hooked_clip(call("SetHookKeyframes", {{"hooks", text_hook()}, {"hook_kf", frames}}), true));
  ASSERT_EQ(found.entries.size(), 2u);
  EXPECT_EQ(values_of(found.entries[0].states), states_with_lora(0));
  EXPECT_EQ(values_of(found.entries[1].states), states_with_lora(1));
  EXPECT_EQ(found.entries[0].text_start_percent, 0);
  EXPECT_EQ(found.entries[0].text_end_percent, 0.5);
  EXPECT_EQ(found.entries[1].text_start_percent, 0.5);
  EXPECT_EQ(found.entries[1].text_end_percent, 1);
  // Each holds in its part of the sampling alone.
  Conditioning first{{found.entries[0]}}, second{{found.entries[1]}};
  EXPECT_EQ(values_of(denoised(base_.model, found, 1, 800)),
            values_of(denoised(base_.model, first, 1, 800)));
  EXPECT_EQ(values_of(denoised(base_.model, found, 1, 300)),
            values_of(denoised(base_.model, second, 1, 300)));
}

}  // namespace
}  // namespace obscura::nodes
