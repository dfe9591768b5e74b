// The kind "unet".
#pragma once

#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

extern const NetworkKind kUNet;

}  // namespace obscura::checkpoint
