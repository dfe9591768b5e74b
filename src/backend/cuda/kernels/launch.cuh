// Starting a kernel, and the shared memory that a start gives to each of its blocks: all that the
// sources here need of CUDA beyond C++ and the names of its built-in variables and functions.
// tests/backend/cuda/emulation has a file of this name that does the same on the CPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <type_traits>

namespace obscura::backend::cuda {

// A kernel's dynamic_shared() memory, aligned to 16 bytes; as much as its start asked for.
template <class T>
__device__ inline T* dynamic_shared() {
  extern __shared__ float4 obscura_dynamic_shared[];
  return reinterpret_cast<T*>(obscura_dynamic_shared);
}

// Puts a kernel on the stream. Its error, if it could not be started; an error while it runs is
// found by who waits for the stream.
template <class... Parameters>
[[nodiscard]] cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block,
                                 std::size_t shared_bytes, cudaStream_t stream,
                                 std::type_identity_t<Parameters>... arguments) {
  // More than every device has is had by asking.
  constexpr std::size_t kGranted = 48 * 1024;
  if (shared_bytes > kGranted) {
    cudaError_t error = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                             cudaFuncAttributeMaxDynamicSharedMemorySize,
                                             static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return error;
  }
  void* pointers[] = {static_cast<void*>(&arguments)...};
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, pointers,
                          shared_bytes, stream);
}

}  // namespace obscura::backend::cuda
