#include "checkpoint/ldm_sdxl.h"

#include "checkpoint/ignored_tensors.h"
#include "checkpoint/tensor_use.h"
#include "models/vae/vae.h"

namespace obscura::checkpoint {
namespace {

constexpr std::string_view kUNet = "model.diffusion_model.";
constexpr std::string_view kClipL = "conditioner.embedders.0.transformer.";
constexpr std::string_view kClipG = "conditioner.embedders.1.model.";
constexpr std::string_view kVae = "first_stage_model.";
constexpr float kLatentScale = 0.13025f;

constexpr IgnoredTensors kIgnored[] = {
    {"conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
     "the numbers 0 to 76"},
    {"conditioner.embedders.0.transformer.text_model.final_layer_norm.*",
     "SDXL takes CLIP-L's state before the final norm"},
    {"conditioner.embedders.0.transformer.text_projection.weight",
     "SDXL takes CLIP-L's state before the projection"},
    {"conditioner.embedders.*logit_scale", "CLIP's temperature, used in its own training only"},
    {"denoiser.sigmas", "the noise schedule, which Obscura computes"},
    {"first_stage_model.loss.*", "the VAE's training loss"},
    {"first_stage_model.model_ema.*", "a moving average kept during training"},
    {"model_ema.*", "a moving average kept during training"},
    {"v_pred", "a mark: predicts velocity"},
    {"ztsnr", "a mark: zero terminal signal-to-noise ratio"},
    {"betas", "the noise schedule, which Obscura computes"},
    {"alphas_cumprod*", "the noise schedule, which Obscura computes"},
    {"sqrt_*alphas_cumprod", "the noise schedule, which Obscura computes"},
    {"sqrt_recipm1_alphas_cumprod", "the noise schedule, which Obscura computes"},
    {"log_one_minus_alphas_cumprod", "the noise schedule, which Obscura computes"},
    {"posterior_*", "the noise schedule, which Obscura computes"},
};

// The marks are those that ComfyUI and sd-scripts read.
Status read_prediction(const TensorNames& names, const io::SafetensorsMetadata& metadata,
                       CheckpointLayout& layout) {
  if (names.has("edm_mean") || names.has("edm_vpred.sigma_max")) {
    return Error(ErrorKind::kUnsupported,
                 "an SDXL trained with EDM's preconditioning (it holds " +
                     std::string(names.has("edm_mean") ? "edm_mean" : "edm_vpred.sigma_max") +
                     "): Obscura runs those that predict noise or velocity");
  }
  auto declared = metadata.find("modelspec.prediction_type");
  if (names.has("v_pred") || (declared != metadata.end() && declared->second == "v")) {
    layout.prediction = Prediction::kVelocity;
  }
  layout.zero_terminal_snr = names.has("ztsnr");
  return {};
}

// ComfyUI's scaled float8: the weights alone are not the numbers to compute with.
Status check_scales(const TensorNames& names) {
  const io::TensorEntry* scale = names.find_containing("scale_weight");
  if (scale == nullptr) return {};
  return Error(ErrorKind::kUnsupported,
               "an SDXL with scaled float8 weights (it holds " + scale->name +
                   "): Obscura reads float8 without scales, float16, bfloat16 and float32");
}

Status check_components(const CheckpointLayout& layout) {
  const std::pair<ComponentKind, std::string_view> witnesses[] = {
      {ComponentKind::kUNet, "input_blocks.0.0.weight"},
      {ComponentKind::kClipL, "text_model.embeddings.token_embedding.weight"},
      {ComponentKind::kClipG, "token_embedding.weight"},
      {ComponentKind::kVae, "decoder.conv_in.weight"},
  };
  for (auto [kind, name] : witnesses) {
    const Component& component = *layout.component(kind);
    if (component.find(name) != nullptr) continue;
    return Error(ErrorKind::kInvalidInput, "an SDXL base checkpoint without " +
                                               std::string(name_of(kind)) + ": there is no " +
                                               component.prefix() + std::string(name));
  }
  return {};
}

// Builds every network, with all the layers that any setting may ask for.
Status use_networks(const CheckpointLayout& layout, TensorUse& use) {
  constexpr std::int64_t kSide = 8;
  const Component& unet = *layout.component(ComponentKind::kUNet);
  const Component& vae = *layout.component(ComponentKind::kVae);
  const Component& clip_l = *layout.component(ComponentKind::kClipL);
  const Component& clip_g = *layout.component(ComponentKind::kClipG);

  OBSCURA_ASSIGN(models::UNetDimensions d, models::unet_dimensions(unet));
  OBSCURA_ASSIGN(models::VaeDimensions latent, models::vae_dimensions(vae));
  if (d.in_channels != latent.latent_channels) {
    return Error(ErrorKind::kUnsupported, "an SDXL for inpainting or editing: its U-Net takes " +
                                              std::to_string(d.in_channels) +
                                              " channels, its VAE makes " +
                                              std::to_string(latent.latent_channels));
  }
  OBSCURA_TRY(use.add(
      unet, models::build_unet(unet, layout.unet, {.batch = 1, .height = kSide, .width = kSide})));
  OBSCURA_TRY(
      use.add(clip_l, models::build_text_encoder(clip_l, layout.clip_l, {.stop_at_layer = -1})));
  OBSCURA_TRY(use.add(clip_g, models::build_text_encoder(clip_g, layout.clip_g,
                                                         {.stop_at_layer = -1, .pooled = true})));
  OBSCURA_TRY(use.add(vae, models::build_vae_decoder(vae, 1, kSide, kSide)));
  return use.add(vae,
                 models::build_vae_encoder(vae, 1, kSide * latent.scale(), kSide * latent.scale()));
}

// The text encoders' states stand side by side in the U-Net's context.
Status check_context(const CheckpointLayout& layout) {
  OBSCURA_ASSIGN(models::UNetDimensions unet,
                 models::unet_dimensions(*layout.component(ComponentKind::kUNet)));
  OBSCURA_ASSIGN(models::TextEncoderDimensions l,
                 models::text_encoder_dimensions(*layout.component(ComponentKind::kClipL)));
  OBSCURA_ASSIGN(models::TextEncoderDimensions g,
                 models::text_encoder_dimensions(*layout.component(ComponentKind::kClipG)));
  if (unet.context_width != l.width + g.width) {
    return Error(ErrorKind::kInvalidInput,
                 "unet: a context of " + std::to_string(l.width) + " + " + std::to_string(g.width) +
                     " features is wanted, it takes " + std::to_string(unet.context_width));
  }
  // SDXL's six numbers of the size condition, each as 256 sinusoids, follow the pooled state.
  constexpr std::int64_t kSizeCondition = 6 * 256;
  if (unet.label_width != g.projection + kSizeCondition) {
    return Error(ErrorKind::kInvalidInput, "unet: a label of " + std::to_string(g.projection) +
                                               " + 1536 features is wanted, "
                                               "it takes " +
                                               std::to_string(unet.label_width));
  }
  return {};
}

}  // namespace

bool is_ldm_sdxl(const TensorNames& names) {
  return names.has_prefix("model.diffusion_model.label_emb.") && names.has_prefix(kClipL) &&
         names.has_prefix(kClipG);
}

Result<CheckpointLayout> read_ldm_sdxl(const TensorNames& names,
                                       const io::SafetensorsMetadata& metadata) {
  CheckpointLayout layout;
  layout.architecture = Architecture::kSdxlBase;
  layout.latent_scale = kLatentScale;
  layout.clip_l.activation = ir::Activation::kQuickGelu;
  layout.clip_g.activation = ir::Activation::kGelu;
  OBSCURA_TRY(read_prediction(names, metadata, layout));
  for (auto [kind, prefix] :
       {std::pair(ComponentKind::kUNet, kUNet), std::pair(ComponentKind::kClipL, kClipL),
        std::pair(ComponentKind::kClipG, kClipG), std::pair(ComponentKind::kVae, kVae)}) {
    layout.components.emplace_back(kind, std::string(prefix), names.entries());
  }
  OBSCURA_TRY(check_components(layout));
  OBSCURA_TRY(check_scales(names));
  TensorUse use;
  OBSCURA_TRY(use_networks(layout, use));
  OBSCURA_TRY(check_context(layout));
  layout.tensors = use.report(names.entries(), kIgnored);
  return layout;
}

}  // namespace obscura::checkpoint
