// CLIP's text transformer (arXiv:2103.00020), in Hugging Face's tensor names ("text_model.encoder.
// layers.0.…": SDXL's CLIP-L, Stable Diffusion 1) or in OpenCLIP's ("transformer.resblocks.0.…":
// SDXL's CLIP-G, Stable Diffusion 2). The names tell which; sizes are the tensors' own.
#pragma once

#include "base/result.h"
#include "ir/activation.h"
#include "ir/graph.h"

namespace obscura::models {

// What the tensors do not tell. Heads are of 64 in every text encoder of the family.
struct TextEncoderConfig {
  ir::Activation activation = ir::Activation::kGelu;  // CLIP-L: kQuickGelu
  // The final LayerNorm on "hidden": Stable Diffusion 1 and 2 have it, SDXL does not.
  bool normalise_hidden = false;
  // Last layers that the file leaves out and that stop_at_layer counts all the same: diffusers
  // stores Stable Diffusion 2's encoder without its last, which nothing uses.
  int dropped_layers = 0;
};

struct TextEncoderDimensions {
  int layers = 0;
  std::int64_t tokens = 0;  // of a prompt chunk: 77
  std::int64_t width = 0;   // of "hidden"
  std::int64_t vocabulary = 0;
  std::int64_t projection = 0;  // width of "pooled"
};

Result<TextEncoderDimensions> text_encoder_dimensions(const ir::WeightIndex& weights);

// Of one call.
struct TextEncoderCall {
  std::int64_t batch = 1;
  // "hidden" is the state after this layer, counted from the end: -1 the last, -2 the one before
  // (SDXL's choice, "clip skip 2"). Later layers are built only if "pooled" needs them.
  int stop_at_layer = -2;
  // Adds the input "eos" and the output "pooled".
  bool pooled = false;
  // Adds the input "offset", F32 (N, tokens, width): what is added to the tokens' embeddings.
  bool offset = false;
};

// Inputs, both I32: "ids" (N, tokens); "eos" (N), where each prompt's end token stands. Outputs,
// F32: "hidden" (N, tokens, width); "pooled" (N, projection), the state at eos after all layers,
// normalised and projected. Errors: kInvalidInput if the tensors do not fit together, or if there
// is no such layer.
Result<ir::Graph> build_text_encoder(const ir::WeightIndex& weights,
                                     const TextEncoderConfig& config, const TextEncoderCall& call);

}  // namespace obscura::models
