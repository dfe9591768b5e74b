// Measuring a library's algorithms against one another.
#pragma once

#include <functional>

#include "backend/cuda/context.h"
#include "backend/cuda/memory.h"
#include "base/result.h"
#include "tensor/dtype.h"

namespace obscura::backend::cuda {

// Memory full of small random numbers: on zeros, kernels can run faster than on real data.
Result<DeviceMemory> random_memory(Context& context, std::size_t bytes, DType dtype);

// The median of several runs on the context's compute stream, in milliseconds; infinite if one
// fails.
float time_on_device(Context& context, const std::function<Status()>& run);

}  // namespace obscura::backend::cuda
