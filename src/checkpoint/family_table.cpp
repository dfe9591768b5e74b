#include "checkpoint/family.h"
#include "checkpoint/kinds/text_encoder.h"
#include "models/clip/prompt.h"

namespace obscura::checkpoint {
namespace {

constexpr LatentSpace kSdLatents{.scale = 0.18215f};

constexpr models::TextEncoderConfig kQuickGelu{.activation = ir::Activation::kQuickGelu};
constexpr models::TextEncoderConfig kQuickGeluNormalised{.activation = ir::Activation::kQuickGelu,
                                                         .normalise_hidden = true};
constexpr models::TextEncoderConfig kNormalised{.normalise_hidden = true};

// Its only encoder's state is context and pooled state in one width; five numbers follow.
bool has_refiners_label(const UNetTraits& unet) {
  return unet.label == unet.context + 5 * LabelRule::kFeatures;
}

Family sdxl_base() {
  return {
      .name = "SDXL base",
      .made_for = "SDXL",
      .context = 2048,
      // The pooled state is that of the second encoder alone, and so narrower than the context. A
      // refiner whose states are wide enough would pass for a base.
      .owns =
          [](const UNetTraits& unet) {
            const std::int64_t pooled = unet.label - 6 * LabelRule::kFeatures;
            return pooled > 0 && pooled < unet.context && !has_refiners_label(unet);
          },
      .encoders = {{.kind = &kClipL,
                    .prefix = "conditioner.embedders.0.transformer.",
                    .config = kQuickGelu,
                    .pad_token = models::clip::kEndToken},
                   {.kind = &kClipG,
                    .prefix = "conditioner.embedders.1.model.",
                    .pooled = true,
                    .reads_second_text = true,
                    .adapter_place = 2}},
      .text_layer = -2,
      .label = {.numbers = 6},
      .latents = kUsualLatents,
      .tiny_vae = "taesdxl",
      .model_spec = "stable-diffusion-xl-v1-base",
      .model_spec_of_velocity = "stable-diffusion-xl-v1-base",
  };
}

Family sdxl_refiner() {
  return {
      .name = "SDXL refiner",
      .made_for = "SDXL's refiner",
      .context = 1280,
      .owns = [](const UNetTraits& unet) { return has_refiners_label(unet); },
      .encoders = {{.kind = &kClipG,
                    .prefix = "conditioner.embedders.0.model.",
                    .pooled = true,
                    .reads_second_text = true,
                    .adapter_place = 2}},
      .text_layer = -2,
      .label = {.numbers = 5, .has_score = true},
      .latents = kUsualLatents,
      .tiny_vae = "taesdxl",
      .model_spec = "stable-diffusion-xl-v1-refiner",
      .model_spec_of_velocity = "stable-diffusion-xl-v1-refiner",
  };
}

Family sd2() {
  return {
      .name = "Stable Diffusion 2",
      .made_for = "Stable Diffusion 2",
      .context = 1024,
      .owns =
          [](const UNetTraits& unet) {
            return unet.label == 0 && unet.context > 0 && !unet.projects_by_convolution;
          },
      .encoders = {{.kind = &kClipH,
                    .prefix = "cond_stage_model.model.",
                    .config = kNormalised,
                    .reads_second_text = true,
                    .borrows_adapter_names = true,
                    .layers_without_last = 23}},
      .text_layer = -2,
      .latents = kSdLatents,
      // 2.1 predicts velocity at 768, noise at 512. ComfyUI found the place and the limit.
      .velocity = VelocityMark{"output_blocks.11.1.transformer_blocks.0.norm1.bias", 0.09},
      .tiny_vae = "taesd",
      .model_spec = "stable-diffusion-v2-512",
      .model_spec_of_velocity = "stable-diffusion-v2-768-v",
  };
}

Family sd1() {
  return {
      .name = "Stable Diffusion 1",
      .made_for = "Stable Diffusion 1",
      .context = 768,
      .owns =
          [](const UNetTraits& unet) {
            return unet.label == 0 && unet.context > 0 && unet.projects_by_convolution;
          },
      .encoders = {{.kind = &kClipL,
                    .prefix = "cond_stage_model.transformer.",
                    .config = kQuickGeluNormalised,
                    .pad_token = models::clip::kEndToken}},
      .text_layer = -1,
      .heads = {.count = 8},
      .latents = kSdLatents,
      .tiny_vae = "taesd",
      .model_spec = "stable-diffusion-v1",
      .model_spec_of_velocity = "stable-diffusion-v1",
  };
}

}  // namespace

std::span<const Family> families() {
  static const Family kFamilies[] = {sdxl_base(), sdxl_refiner(), sd2(), sd1()};
  return kFamilies;
}

}  // namespace obscura::checkpoint
