// VAEEncodeForInpaint and SetLatentNoiseMask: latents of which only a part is to change.
#include <cmath>

#include "graph/node_registry.h"
#include "image/mask.h"
#include "nodes/sockets.h"
#include "pipeline/image_codec.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// The middle of a picture or mask (B, H, W[, C]) whose sides become multiples of 8.
Tensor crop_to_multiple(const Tensor& tensor) {
  const Shape& s = tensor.shape();
  std::int64_t channels = s.rank() == 4 ? s[3] : 1;
  Shape target = s;
  target.set(1, s[1] / 8 * 8);
  target.set(2, s[2] / 8 * 8);
  if (target == s) return tensor.clone();
  std::int64_t top = s[1] % 8 / 2, left = s[2] % 8 / 2, row = target[2] * channels;
  Tensor result(target);
  float* out = result.data();
  for (std::int64_t b = 0; b < s[0]; ++b) {
    for (std::int64_t y = 0; y < target[1]; ++y) {
      const float* in = tensor.data() + ((b * s[1] + top + y) * s[2] + left) * channels;
      out = std::copy_n(in, row, out);
    }
  }
  return result;
}

// Half to even, as torch.round.
Tensor rounded(const Tensor& mask) {
  Tensor result = mask.clone();
  for (float& value : result.values()) value = std::nearbyint(value);
  return result;
}

Result<NodeResult> encode_for_inpaint(NodeCall& call) {
  const Tensor& image = call.get<Image>("pixels").pixels;
  const Shape& s = image.shape();
  Tensor mask =
      rounded(crop_to_multiple(image::resize_mask(call.get<Mask>("mask").values, s[1], s[2])));
  Tensor pixels = crop_to_multiple(image);
  if (mask.shape()[0] != 1 && mask.shape()[0] != s[0]) {
    return Error(ErrorKind::kInvalidInput, "input \"mask\": wanted one mask, or one for each of " +
                                               std::to_string(s[0]) + " pictures, found " +
                                               std::to_string(mask.shape()[0]));
  }
  // What is to be replaced becomes gray, so that nothing of it shows through the encoder.
  const std::int64_t plane = mask.shape()[1] * mask.shape()[2];
  for (std::int64_t i = 0; i < pixels.elements(); ++i) {
    std::int64_t pixel = i / s[3];
    float keep = 1 - mask.data()[mask.shape()[0] == 1 ? pixel % plane : pixel];
    pixels.data()[i] = (pixels.data()[i] - 0.5f) * keep + 0.5f;
  }
  const auto by = call.get<std::int64_t>("grow_mask_by");
  pipeline::Latent latent;
  OBSCURA_ASSIGN(latent.samples, pipeline::encode_image(call.environment<runtime::Session>(),
                                                        call.get<pipeline::Vae>("vae"), pixels,
                                                        call.cancel_token()));
  latent.noise_mask = by == 0 ? mask : image::dilate(mask, by / 2, by - by / 2 - 1);
  return NodeResult{latent_value(std::move(latent))};
}

Result<NodeResult> set_noise_mask(NodeCall& call) {
  pipeline::Latent latent = call.get<pipeline::Latent>("samples");
  latent.noise_mask = call.get<Mask>("mask").values;
  return NodeResult{latent_value(std::move(latent))};
}

const RegisterNode kEncode{
    NodeType("VAEEncodeForInpaint")
        .label("VAE Encode (for Inpainting)")
        .category("latent/inpaint")
        .description("Encodes a picture with the masked part blanked out, to be painted anew at "
                     "full denoise.")
        .input(socket("pixels", "IMAGE").tooltip("The pictures."))
        .input(socket("vae", "VAE"))
        .input(socket("mask", "MASK").tooltip("1 where the picture is to change."))
        .input(integer("grow_mask_by", 6)
                   .range(0, 64)
                   .step(1)
                   .tooltip("Pixels by which the changing part is larger than the mask, so that no "
                            "seam shows."))
        .output("LATENT")
        .run(encode_for_inpaint)};

const RegisterNode kLatentMasksSetMask{
    NodeType("SetLatentNoiseMask")
        .label("Set Latent Noise Mask")
        .category("latent/inpaint")
        .description("Lets sampling change a latent only where the mask is 1.")
        .input(socket("samples", "LATENT"))
        .input(socket("mask", "MASK").tooltip("Of any size."))
        .output("LATENT")
        .run(set_noise_mask)};

}  // namespace
}  // namespace obscura::nodes
