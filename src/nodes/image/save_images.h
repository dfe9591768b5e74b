// What all nodes that save images do: a file each, with the texts that tell how it was made.
#pragma once

#include <string>

#include "graph/node_call.h"
#include "library/image_sink.h"

namespace obscura::nodes {

// What an image tells of how it was made.
enum class ImageTexts {
  kAll,         // ComfyUI's workflow, AUTOMATIC1111's parameters, and the recipe
  kWorkflow,    // ComfyUI's workflow and the recipe
  kParameters,  // AUTOMATIC1111's parameters alone
  kNone,
};

struct ImageSaving {
  std::string prefix;
  bool temporary = false;
  ImageTexts texts = ImageTexts::kAll;
  std::string extension = "png";
  library::ImageEncoder encode;  // empty: 8-bit PNG
};

// Saves each of `images` (B, H, W, 3 or 4); the result lists them under `ui.images`. Warns of texts
// that the format could not hold. REQUIRES: the node declares Hidden::kPrompt and
// Hidden::kExtraPngInfo.
Result<graph::NodeResult> save_images(graph::NodeCall& call, const Tensor& images,
                                      const ImageSaving& saving);

}  // namespace obscura::nodes
