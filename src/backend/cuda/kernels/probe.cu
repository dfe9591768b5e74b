#include "backend/cuda/kernels/probe.h"

#include "backend/cuda/kernels/launch.cuh"

namespace obscura::backend::cuda {
namespace {

__global__ void nothing() {}

}  // namespace

bool has_code_for_device(int ordinal) {
  int previous = 0;
  cudaGetDevice(&previous);
  cudaFuncAttributes attributes{};
  bool runs =
      cudaSetDevice(ordinal) == cudaSuccess &&
      cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(nothing)) == cudaSuccess;
  cudaSetDevice(previous);
  cudaGetLastError();
  return runs;
}

}  // namespace obscura::backend::cuda
