// CUDA's error codes as Results.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "base/result.h"

namespace obscura::backend::cuda {

// kOutOfMemory for a refused allocation, else kInternal: `what` failed, and the driver's words.
inline Status check(cudaError_t error, const std::string& what) {
  if (error == cudaSuccess) return {};
  cudaGetLastError();  // told here: the libraries' own look for errors must not find it again
  ErrorKind kind =
      error == cudaErrorMemoryAllocation ? ErrorKind::kOutOfMemory : ErrorKind::kInternal;
  return Error(kind, "[cuda] " + what + ": " + cudaGetErrorString(error));
}

}  // namespace obscura::backend::cuda
