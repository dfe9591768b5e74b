// An op by its plain definition, on the host, in the middle of the device's work: for what no
// kernel exists for. Copies its operands to page-locked memory and the result back; all of it is
// put on the stream, so that it is recorded and replayed like any kernel.
#pragma once

#include <memory>

#include "backend/cuda/kernel.h"
#include "base/result.h"

namespace obscura::backend::cuda {

// kIo if the system will not lock the memory.
Result<std::unique_ptr<Kernel>> make_host_kernel(const KernelRequest& request);

}  // namespace obscura::backend::cuda
