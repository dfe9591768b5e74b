// LoRAs and their relatives: the kind "lora".
#pragma once

#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

extern const NetworkKind kAdapter;

}  // namespace obscura::checkpoint
