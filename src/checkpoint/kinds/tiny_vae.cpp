#include "models/vae/tiny_vae.h"

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "checkpoint/kinds/image_shape.h"
#include "checkpoint/kinds/tiny_vae.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {
namespace {

// "3.conv.0.weight" of the "2.conv.0.weight" of diffusers' decoder, whose first layer, which has no
// tensors, is not counted.
std::string tiny_decoder_name(std::string_view name) {
  const std::string_view digits = name.substr(0, name.find('.'));
  int layer = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  if (error != std::errc() || end != digits.data() + digits.size()) return "";
  return std::to_string(layer + 1) + std::string(name.substr(digits.size()));
}

bool has_both(const TensorNames& names, std::string_view prefix, std::string_view first,
              std::string_view second) {
  const std::string at(prefix);
  return names.has(at + std::string(first)) && names.has(at + std::string(second));
}

// Files of one half each, ComfyUI's of both, and diffusers'. In the encoder a block follows the
// first layer.
std::optional<Component> find_tiny_decoder(const TensorNames& names) {
  for (std::string_view prefix : {"taesd_decoder.", ""})
    if (has_both(names, prefix, "1.weight", "3.conv.0.weight"))
      return Component(kTinyDecoder, std::string(prefix), names.entries());
  if (names.has("decoder.layers.2.conv.0.weight"))
    return Component(kTinyDecoder, "decoder.layers.", names.entries(), tiny_decoder_name);
  return std::nullopt;
}

std::optional<Component> find_tiny_encoder(const TensorNames& names) {
  for (std::string_view prefix : {"taesd_encoder.", ""})
    if (has_both(names, prefix, "0.weight", "1.conv.0.weight"))
      return Component(kTinyEncoder, std::string(prefix), names.entries());
  if (names.has("encoder.layers.1.conv.0.weight"))
    return Component(kTinyEncoder, "encoder.layers.", names.entries());
  return std::nullopt;
}

Result<ir::Graph> build_tiny_decoder(const Component& network, const CheckpointLayout&,
                                     const InputShapes& inputs) {
  const ImageShape latent = image_shape(inputs, "latent");
  return models::build_tiny_decoder(network, latent.batch, latent.height, latent.width);
}

Result<ir::Graph> build_tiny_encoder(const Component& network, const CheckpointLayout&,
                                     const InputShapes& inputs) {
  const ImageShape image = image_shape(inputs, "image");
  return models::build_tiny_encoder(network, image.batch, image.height, image.width);
}

const ModelFolder kApproximate{"vae_approx", {"VAE-taesd"}};

}  // namespace

const NetworkKind kTinyDecoder{
    .id = "taesd decoder",
    .order = 40,
    .folder = kApproximate,
    .describe = [](const TensorNames&) { return std::string("a TAESD decoder"); },
    .find = find_tiny_decoder,
    .alone = true,
    .graphs = {{"", "latent", build_tiny_decoder}},
};
const NetworkKind kTinyEncoder{
    .id = "taesd encoder",
    .order = 41,
    .folder = kApproximate,
    .describe = [](const TensorNames&) { return std::string("a TAESD encoder"); },
    .find = find_tiny_encoder,
    .alone = true,
    .graphs = {{"", "image", build_tiny_encoder}},
};
namespace {
const RegisterKind kTinyDecoderRegistered{kTinyDecoder}, kTinyEncoderRegistered{kTinyEncoder};
}  // namespace

}  // namespace obscura::checkpoint
