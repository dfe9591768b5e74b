// The variational autoencoder of the latent diffusion family (AutoencoderKL), in LDM's tensor
// names: https://github.com/CompVis/latent-diffusion, "diffusionmodules/model.py". Sizes and levels
// are read from the tensors.
#pragma once

#include "base/result.h"
#include "ir/graph.h"

namespace obscura::models {

struct VaeDimensions {
  std::int64_t image_channels = 0;   // 3
  std::int64_t latent_channels = 0;  // 4
  int levels = 0;                    // each but one halves: 4
  // Pixels of an image along each side of a latent pixel: 8.
  std::int64_t scale() const { return std::int64_t{1} << (levels - 1); }
};

Result<VaeDimensions> vae_dimensions(const ir::WeightIndex& weights);

// Input "latent" F32 (N, height, width, latent_channels), already divided by the latent scale;
// output "image" F32 (N, scale * height, scale * width, image_channels), around -1…1, not clamped.
Result<ir::Graph> build_vae_decoder(const ir::WeightIndex& weights, std::int64_t batch,
                                    std::int64_t height, std::int64_t width);

// Input "image" F32 (N, height, width, image_channels) in -1…1; output "moments" F32 (N, height /
// scale, width / scale, 2 * latent_channels): means, then logarithms of variances (which LDM clamps
// to -30…20), not yet multiplied by the latent scale. kInvalidInput unless both sides are multiples
// of scale.
Result<ir::Graph> build_vae_encoder(const ir::WeightIndex& weights, std::int64_t batch,
                                    std::int64_t height, std::int64_t width);

}  // namespace obscura::models
