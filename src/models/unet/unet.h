// The U-Net of the Stable Diffusion family, in LDM's tensor names ("input_blocks.1.0.in_layers.2"):
// https://github.com/CompVis/latent-diffusion and, for SDXL (arXiv:2307.01952),
// https://github.com/Stability-AI/generative-models, "openaimodel.py".
//
// Which blocks there are, and every size, is read from the file's own tensors: the same code builds
// SDXL's base and refiner, Stable Diffusion 1 and 2, and smaller relatives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "models/unet/unet_changes.h"
#include "nn/attention.h"

namespace obscura::models {

// What the shapes of a file do not tell.
struct UNetConfig {
  // SDXL and Stable Diffusion 2: heads of 64. Stable Diffusion 1: 8 heads at each level.
  nn::Heads heads;
};

// What they do tell.
struct UNetDimensions {
  std::int64_t in_channels = 0;     // of "x": 4, or 9 for an inpainting model
  std::int64_t out_channels = 0;    // 0 of an encoder half alone
  std::int64_t model_channels = 0;  // of the first level
  std::int64_t context_width = 0;   // of "context"; 0 if nothing attends to it
  std::int64_t label_width = 0;     // of "y"; 0 if there is no label embedding
  int levels = 1;                   // 1 + number of halvings
};

Result<UNetDimensions> unet_dimensions(const ir::WeightIndex& weights);
// The same of tensors that need not have a decoder: see models/unet/unet_encoder.h.
Result<UNetDimensions> encoder_dimensions(const ir::WeightIndex& weights);

// The places of its transformers, "input_blocks.4.1" first.
std::vector<std::string> unet_transformers(const ir::WeightIndex& weights);

// Whether any of them works at the latent's own size, as in Stable Diffusion 1 and 2 but not in
// SDXL.
bool attends_at_full_size(const ir::WeightIndex& weights);

// Of one call. Any height and width of at least 1 will do.
struct UNetCall {
  std::int64_t batch = 1;
  std::int64_t height = 0, width = 0;  // of the latent
  std::int64_t tokens = 77;            // of the context
  UNetChanges changes;
};

// Inputs, all F32: "x" (N, H, W, in_channels); "timestep" (N); "context" (N, T, context_width) and
// "y" (N, label_width) where the network has them. Output "eps" (N, H, W, out_channels): what the
// network predicts, be it noise or velocity. Error: kInvalidInput naming the place where the
// tensors do not fit together.
Result<ir::Graph> build_unet(const ir::WeightIndex& weights, const UNetConfig& config,
                             const UNetCall& call);

}  // namespace obscura::models
