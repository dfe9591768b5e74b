// One image laid over another by the rules of Porter and Duff, "Compositing digital images", 1984,
// and the blend modes of its successors.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace obscura::image {

// Images (B, H, W, C) with masks (B, H, W) of where they are transparent.
struct Layers {
  Tensor pixels, transparency;
};

// `mode` is a name of ComfyUI's: "SRC_OVER", "MULTIPLY"; any other means "DST". As many images as
// the shortest batch has. REQUIRES: equal sizes and channels.
Layers porter_duff(const Layers& source, const Layers& destination, const std::string& mode);

}  // namespace obscura::image
