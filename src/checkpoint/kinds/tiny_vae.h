// TAESD's two halves: the kinds "taesd decoder" and "taesd encoder".
#pragma once

#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

extern const NetworkKind kTinyDecoder, kTinyEncoder;

}  // namespace obscura::checkpoint
