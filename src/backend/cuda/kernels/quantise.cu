#include "backend/cuda/kernels/quantise.h"

#include <cuda_fp8.h>

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int kThreads = 128;
constexpr float kLargestE4M3 = 448.0f;

// A block to a row, which is read twice: the second time from the cache.
template <class T, int n>
__global__ void __launch_bounds__(kThreads)
    quantise(const Packet<T, n>* x, Packet<__nv_fp8_storage_t, n>* q, float* scales,
             std::int64_t columns) {
  __shared__ float scratch[kThreads / kWarp];
  x += blockIdx.x * columns;
  q += blockIdx.x * columns;
  float largest = 0;
  for (std::int64_t i = threadIdx.x; i < columns; i += kThreads) {
    float v[n];
    widen(x[i], v);
#pragma unroll
    for (int j = 0; j < n; ++j) largest = fmaxf(largest, fabsf(v[j]));
  }
  largest = reduce<kThreads>(largest, scratch, Larger());
  float scale = largest > 0 ? largest / kLargestE4M3 : 1.0f;
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
  for (std::int64_t i = threadIdx.x; i < columns; i += kThreads) {
    float v[n];
    widen(x[i], v);
    Packet<__nv_fp8_storage_t, n> packet;
    if constexpr (n % 2 == 0) {
      // One instruction rounds two elements and packs them.
#pragma unroll
      for (int j = 0; j < n; j += 2) {
        __nv_fp8x2_storage_t two = __nv_cvt_float2_to_fp8x2(
            make_float2(v[j] / scale, v[j + 1] / scale), __NV_SATFINITE, __NV_E4M3);
        packet.elements[j] = static_cast<__nv_fp8_storage_t>(two & 0xff);
        packet.elements[j + 1] = static_cast<__nv_fp8_storage_t>(two >> 8);
      }
    } else {
#pragma unroll
      for (int j = 0; j < n; ++j)
        packet.elements[j] = __nv_cvt_float_to_fp8(v[j] / scale, __NV_SATFINITE, __NV_E4M3);
    }
    q[i] = packet;
  }
}

}  // namespace

cudaError_t quantise_rows(Element element, const void* x, void* q, float* scales, std::int64_t rows,
                          std::int64_t width, cudaStream_t stream) {
  if (rows <= 0 || width <= 0) return cudaSuccess;
  return with_packets(element, {x, q}, {width}, [&](auto type, auto count) {
    using T = typename decltype(type)::type;
    constexpr int n = decltype(count)::value;
    return launch(quantise<T, n>, static_cast<unsigned>(rows), kThreads, 0, stream,
                  static_cast<const Packet<T, n>*>(x),
                  static_cast<Packet<__nv_fp8_storage_t, n>*>(q), scales, width / n);
  });
}

}  // namespace obscura::backend::cuda
