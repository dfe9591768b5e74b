// CLIP's text encoders: CLIP-L, OpenCLIP's bigG, and ViT-H, which is Stable Diffusion 2's only one.
#pragma once

#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

extern const NetworkKind kClipL, kClipG, kClipH;

}  // namespace obscura::checkpoint
