#include "models/vae/vae.h"

#include <string>
#include <string_view>

#include "checkpoint/diffusers_names.h"
#include "checkpoint/kinds/image_shape.h"
#include "checkpoint/kinds/vae.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {
namespace {

std::optional<Component> find_vae(const TensorNames& names) {
  for (std::string_view prefix : {"first_stage_model.", "vae.", ""}) {
    const std::string at(prefix);
    if (!names.has_prefix(at + "decoder.conv_in.")) continue;
    // A U-Net or a text encoder in the same file has prefixes too: without one the VAE is alone.
    const bool diffusers = names.has_prefix(at + "decoder.mid_block.");
    return Component(kVae, at, names.entries(), diffusers ? ldm_vae_names(names, prefix) : nullptr);
  }
  return std::nullopt;
}

Result<ir::Graph> build_decoder(const Component& network, const CheckpointLayout&,
                                const InputShapes& inputs) {
  const ImageShape latent = image_shape(inputs, "latent");
  return models::build_vae_decoder(network, latent.batch, latent.height, latent.width);
}

Result<ir::Graph> build_encoder(const Component& network, const CheckpointLayout&,
                                const InputShapes& inputs) {
  OBSCURA_ASSIGN(models::VaeDimensions d, models::vae_dimensions(network));
  const ImageShape image = image_shape(inputs, "image", d.scale());
  return models::build_vae_encoder(network, image.batch, image.height, image.width);
}

}  // namespace

const NetworkKind kVae{
    .id = "vae",
    .order = 30,
    .folder = {"vae", {"VAE"}},
    .describe = [](const TensorNames&) { return std::string("a VAE"); },
    .find = find_vae,
    .graphs = {{"decoder", "latent", build_decoder}, {"encoder", "image", build_encoder}},
};
namespace {
const RegisterKind kVaeRegistered{kVae};
}  // namespace

}  // namespace obscura::checkpoint
