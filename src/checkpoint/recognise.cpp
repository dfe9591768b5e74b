#include "checkpoint/recognise.h"

#include <vector>

#include "checkpoint/foreign_files.h"
#include "checkpoint/ignored_tensors.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/kinds/vae.h"
#include "checkpoint/networks.h"
#include "checkpoint/prediction.h"
#include "checkpoint/tensor_names.h"
#include "checkpoint/tensor_use.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"
#include "models/vae/vae.h"

namespace obscura::checkpoint {
namespace {

constexpr IgnoredTensors kIgnored[] = {
    {"*embeddings.position_ids", "the numbers 0 to 76"},
    {"*final_layer_norm.weight", "SDXL takes the state before the final norm"},
    {"*final_layer_norm.bias", "SDXL takes the state before the final norm"},
    {"*text_projection.weight", "only bigG's projected state is used"},
    {"*text_projection", "only bigG's projected state is used"},
    {"*logit_scale", "CLIP's temperature, used in its own training only"},
    {"*scale_input", "a scale for float8 activations, which Obscura does not have"},
    {"*input_scale", "a scale for float8 activations, which Obscura does not have"},
    {"*scaled_fp8", "a mark: float8 weights with scales"},
    {"*comfy_quant", "how a weight was packed, which its dtype tells"},
    {"denoiser.sigmas", "the noise schedule, which Obscura computes"},
    {"first_stage_model.loss.*", "the VAE's training loss"},
    {"first_stage_model.model_ema.*", "a moving average kept during training"},
    {"loss.*", "the VAE's training loss"},
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

// Builds every network, with all the layers that any setting may ask for.
Status use_networks(const CheckpointLayout& layout, TensorUse& use) {
  for (const Component& network : layout.components) {
    OBSCURA_TRY(network.check_scales());
    for (const NetworkGraph& graph : network.kind().graphs)
      OBSCURA_TRY(use.add(network, graph.build(network, layout, {})));
  }
  return {};
}

Error misfit(const std::string& what, std::int64_t wanted, std::int64_t taken) {
  return Error(ErrorKind::kInvalidInput, "unet: " + what + " of " + std::to_string(wanted) +
                                             " features is wanted, it takes " +
                                             std::to_string(taken));
}

// What the text encoders of the same file make is what the U-Net takes.
Status check_context(const CheckpointLayout& layout) {
  const Component* unet = layout.component(kUNet);
  if (unet == nullptr) return {};
  std::int64_t width = 0, projection = 0;
  for (const Component& network : layout.components) {
    if (!is_text_encoder(network.kind())) continue;
    OBSCURA_ASSIGN(models::TextEncoderDimensions d, models::text_encoder_dimensions(network));
    width += d.width;
    const FamilyEncoder* encoder = layout.family->encoder(network.kind());
    if (encoder != nullptr && encoder->pooled) projection = d.projection;
  }
  if (width == 0) return {};
  OBSCURA_ASSIGN(models::UNetDimensions d, models::unet_dimensions(*unet));
  if (d.context_width != width) return misfit("a context", width, d.context_width);
  const std::int64_t label = projection + layout.family->label.features();
  if (d.label_width > 0 && d.label_width != label) return misfit("a label", label, d.label_width);
  return {};
}

// 4 channels; 9 for inpainting: a mask and the masked image's latent besides; 8 for editing by
// instruction: the image's latent besides.
Status check_channels(const CheckpointLayout& layout) {
  const Component* unet = layout.component(kUNet);
  if (unet == nullptr) return {};
  OBSCURA_ASSIGN(models::UNetDimensions d, models::unet_dimensions(*unet));
  std::int64_t extra = d.in_channels - d.out_channels;
  if (extra != 0 && extra != d.out_channels && extra != d.out_channels + 1) {
    return Error(ErrorKind::kUnsupported,
                 "a U-Net that takes " + std::to_string(d.out_channels) +
                     " channels (or twice as many for editing, one more for inpainting) is "
                     "wanted, found one that takes " +
                     std::to_string(d.in_channels));
  }
  const Component* vae = layout.component(kVae);
  if (vae == nullptr) return {};
  OBSCURA_ASSIGN(models::VaeDimensions latent, models::vae_dimensions(*vae));
  if (latent.latent_channels == d.out_channels) return {};
  return Error(ErrorKind::kInvalidInput, "unet: latents of " +
                                             std::to_string(latent.latent_channels) +
                                             " channels, as the VAE makes, are wanted, it makes " +
                                             std::to_string(d.out_channels));
}

}  // namespace

Result<CheckpointLayout> recognise(std::span<const io::TensorEntry> entries,
                                   const io::SafetensorsMetadata& metadata) {
  TensorNames names(entries);
  CheckpointLayout layout;
  layout.components = find_networks(names);
  bool foreign = !layout.has(kUNet) && names.has_prefix("model.diffusion_model.");
  if (layout.components.empty() || foreign) return refuse_foreign_file(names);
  OBSCURA_ASSIGN(layout.family, find_family(layout.components));
  OBSCURA_TRY(read_prediction(names, metadata, layout));
  TensorUse use;
  OBSCURA_TRY(use_networks(layout, use));
  OBSCURA_TRY(check_channels(layout));
  OBSCURA_TRY(check_context(layout));
  layout.tensors = use.report(names.entries(), kIgnored);
  return layout;
}

Result<CheckpointLayout> recognise(const io::SafetensorsFile& file) {
  Result<CheckpointLayout> layout = recognise(file.entries(), file.metadata());
  if (!layout.ok()) return layout.error().in(file.name());
  return layout;
}

}  // namespace obscura::checkpoint
