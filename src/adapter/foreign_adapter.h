// What an adapter file that does not fit is made for, for the message that refuses it.
#pragma once

#include <string>

#include "adapter/adapter_file.h"

namespace obscura::adapter {

// "a LoRA for Stable Diffusion 1", "a ControlNet", "a checkpoint"; empty if nothing tells.
std::string describe_foreign(const AdapterFile& adapter);

}  // namespace obscura::adapter
