// The encoder half of a U-Net: input blocks and middle block. Usable by itself, from the tensors of
// these alone: a control network is one whose features go through convolutions of their own.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "models/unet/unet_blocks.h"

namespace obscura::models {

// Each (N, h, w, C) at the size and width of its level.
struct UNetFeatures {
  ir::ValueId middle = ir::kNoValue;  // what the middle block made
  // What the input blocks hand to the decoder, the first block's first. The decoder takes them from
  // the end. Whatever is added to a U-Net's features from outside (the residuals of a control
  // network: one for each skip and one for `middle`) is added to these, between the halves.
  std::vector<ir::ValueId> skips;
};

UNetFeatures encode(UNetBlocks& blocks);

}  // namespace obscura::models
