// Reductions over the threads of a warp or a block, in a fixed order.
#pragma once

#include "backend/cuda/kernels/launch.cuh"

namespace obscura::backend::cuda {

inline constexpr int kWarp = 32;

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Larger {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// Every lane gets the result. REQUIRES: the whole warp calls.
template <class Combine>
__device__ inline float reduce_warp(float x, Combine combine) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    x = combine(x, __shfl_xor_sync(0xffffffffu, x, distance));
  return x;
}

// Over kThreads threads: a warp, or a whole block of that many. Every thread gets the result.
// `scratch` holds a float for each warp of the block.
template <int kThreads, class Combine>
__device__ inline float reduce(float x, float* scratch, Combine combine) {
  x = reduce_warp(x, combine);
  if constexpr (kThreads > kWarp) {
    constexpr int kWarps = kThreads / kWarp;
    int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
    __syncthreads();  // scratch may still be read by the reduction before
    if (lane == 0) scratch[warp] = x;
    __syncthreads();
    x = scratch[0];
#pragma unroll
    for (int i = 1; i < kWarps; ++i) x = combine(x, scratch[i]);
  }
  return x;
}

}  // namespace obscura::backend::cuda
