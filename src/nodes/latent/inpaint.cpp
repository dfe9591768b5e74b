// VAEEncodeForInpaint and SetLatentNoiseMask: latents of which only a part is to change.
#include <cmath>

#include "graph/node_registry.h"
#include "image/mask.h"
#include "image/raster.h"
#include "nodes/sockets.h"
#include "pipeline/image_codec.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

Result<NodeResult> encode_for_inpaint(NodeCall& call) {
  const Tensor& image = pixels_of(call, "pixels");
  const Shape& s = image.shape();
  Tensor mask =
      image::whole_pixels(image::resize_mask(mask_of(call), s[1], s[2]), kPixelsOfALatent);
  // Half to even, as torch.round.
  for (float& value : mask.values()) value = std::nearbyint(value);
  Tensor pixels = image::whole_pixels(image, kPixelsOfALatent);
  if (mask.shape()[0] != 1 && mask.shape()[0] != s[0]) {
    return Error(ErrorKind::kInvalidInput, "input \"mask\": wanted one mask, or one for each of " +
                                               std::to_string(s[0]) + " images, found " +
                                               std::to_string(mask.shape()[0]));
  }
  // Nothing of what is to be replaced may show through the encoder.
  image::cover(pixels, mask);
  const auto by = call.get<std::int64_t>("grow_mask_by");
  Latent latent;
  OBSCURA_ASSIGN(latent.samples, pipeline::encode_image(call.environment<runtime::Session>(),
                                                        call.get<pipeline::Vae>("vae"), pixels,
                                                        call.cancel_token()));
  latent.noise_mask = by == 0 ? mask : image::dilate(mask, by / 2, by - by / 2 - 1);
  return NodeResult{latent_value(std::move(latent))};
}

Result<NodeResult> set_noise_mask(NodeCall& call) {
  Latent latent = call.get<Latent>("samples");
  latent.noise_mask = mask_of(call);
  return NodeResult{latent_value(std::move(latent))};
}

const RegisterNode kVAEEncodeForInpaint{
    NodeType("VAEEncodeForInpaint")
        .label("VAE Encode (for Inpainting)")
        .category("latent/inpaint")
        .description("Encodes an image with the masked part blanked out, to be painted anew at "
                     "full denoising strength.")
        .input(socket("pixels", "IMAGE").tooltip("The images."))
        .input(socket("vae", "VAE"))
        .input(socket("mask", "MASK").tooltip("1 where the image is to change."))
        .input(integer("grow_mask_by", 6)
                   .range(0, 64)
                   .step(1)
                   .tooltip("Pixels by which the changing part is larger than the mask, so that no "
                            "seam shows."))
        .output("LATENT")
        .run(encode_for_inpaint)};

const RegisterNode kSetLatentNoiseMask{
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
