// Linear in int8: see backend/cpu/precision.h for what is rounded to what.
#pragma once

#include "backend/cpu/kernel.h"

namespace obscura::backend::cpu {

Result<std::unique_ptr<Kernel>> make_int8_linear(const KernelRequest& request);

}  // namespace obscura::backend::cpu
