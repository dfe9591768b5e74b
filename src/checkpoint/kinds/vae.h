// The kind "vae".
#pragma once

#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

extern const NetworkKind kVae;

}  // namespace obscura::checkpoint
