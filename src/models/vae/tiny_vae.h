// TAESD (Bohan, https://github.com/madebyollin/taesd, "taesd.py"): an autoencoder of 1.2 million
// parameters a half for the latents of Stable Diffusion and, with other weights, of SDXL. Decoding
// takes about a twentieth of the VAE's arithmetic: for previews.
//
// Tensors go by their places in one row of layers ("3.conv.2.weight"). Which layer is what, and
// every size, is read from the tensors: a convolution without a bias halves or doubles.
#pragma once

#include "base/result.h"
#include "ir/graph.h"
#include "models/vae/vae.h"

namespace obscura::models {

// Of a decoder.
Result<VaeDimensions> tiny_vae_dimensions(const ir::WeightIndex& weights);

// Input "latent" F32 (N, height, width, latent_channels): 3 tanh(z / 3) for a latent z of the size
// that the U-Net sees; output "image" F32 (N, scale * height, scale * width, image_channels),
// around 0…1, not clamped.
Result<ir::Graph> build_tiny_decoder(const ir::WeightIndex& weights, std::int64_t batch,
                                     std::int64_t height, std::int64_t width);

// Input "image" F32 (N, height, width, image_channels) in 0…1; output "latent" F32 (N, height /
// scale, width / scale, latent_channels), of the size that the U-Net sees.
Result<ir::Graph> build_tiny_encoder(const ir::WeightIndex& weights, std::int64_t batch,
                                     std::int64_t height, std::int64_t width);

}  // namespace obscura::models
