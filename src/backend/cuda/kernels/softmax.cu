// Row-wise softmax of attention scores, and the search for what is not finite.
#include <cfloat>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

struct SoftmaxRows {
  std::int64_t rows, columns;
  float scale;
  bool causal;
  std::int64_t first_row, rows_per_head;

  // How many columns a row sees.
  __device__ std::int64_t visible(std::int64_t row) const {
    if (!causal) return columns;
    std::int64_t own = first_row + row % rows_per_head + 1;
    return own < columns ? own : columns;
  }
};

template <class T>
__device__ float exponential(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return expf(x);
  } else {
    return __expf(x);
  }
}

// kThreads threads to a row, which stays in their registers.
template <class T, int kThreads, int kItems>
__global__ void __launch_bounds__(256)
    softmax_in_registers(const float* scores, T* probabilities, SoftmaxRows s) {
  __shared__ float scratch[kWarp];
  constexpr int kRows = 256 / kThreads;
  std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kRows + threadIdx.x / kThreads;
  if (row >= s.rows) return;  // whole warps; a row of several warps is the block's only one
  int lane = static_cast<int>(threadIdx.x % kThreads);
  std::int64_t visible = s.visible(row);
  scores += row * s.columns;
  probabilities += row * s.columns;
  float x[kItems];
  float largest = -FLT_MAX, sum = 0;
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    int column = i * kThreads + lane;
    if (column < visible) x[i] = scores[column] * s.scale;
  }
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    if (i * kThreads + lane < visible) largest = fmaxf(largest, x[i]);
  }
  largest = reduce<kThreads>(largest, scratch, Larger());
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    bool seen = i * kThreads + lane < visible;
    x[i] = seen ? exponential<T>(x[i] - largest) : 0;
    sum += x[i];
  }
  float inverse = 1 / reduce<kThreads>(sum, scratch, Sum());
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    int column = i * kThreads + lane;
    if (column < s.columns) probabilities[column] = narrow<T>(x[i] * inverse);
  }
}

// A block to a row of any length, read three times.
template <class T>
__global__ void __launch_bounds__(256)
    softmax_long_rows(const float* scores, T* probabilities, SoftmaxRows s) {
  __shared__ float scratch[kWarp];
  std::int64_t row = blockIdx.x, visible = s.visible(row);
  scores += row * s.columns;
  probabilities += row * s.columns;
  float largest = -FLT_MAX, sum = 0;
  for (std::int64_t c = threadIdx.x; c < visible; c += 256)
    largest = fmaxf(largest, scores[c] * s.scale);
  largest = reduce<256>(largest, scratch, Larger());
  for (std::int64_t c = threadIdx.x; c < visible; c += 256)
    sum += exponential<T>(scores[c] * s.scale - largest);
  float inverse = 1 / reduce<256>(sum, scratch, Sum());
  for (std::int64_t c = threadIdx.x; c < s.columns; c += 256) {
    float p = c < visible ? exponential<T>(scores[c] * s.scale - largest) * inverse : 0;
    probabilities[c] = narrow<T>(p);
  }
}

template <class T, int n>
__global__ void __launch_bounds__(256)
    find_kernel(const Packet<T, n>* x, std::int64_t packets, std::int32_t* flag) {
  bool found = false;
  std::int64_t step = static_cast<std::int64_t>(gridDim.x) * 256;
#pragma unroll 4
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * 256 + threadIdx.x; i < packets;
       i += step) {
    float v[n];
    widen(x[i], v);
#pragma unroll
    for (int k = 0; k < n; ++k) found |= !isfinite(v[k]);
  }
  if (found) *flag = 1;
}

}  // namespace

cudaError_t softmax_rows(Element element, const float* scores, void* probabilities,
                         std::int64_t rows, std::int64_t columns, float scale, bool causal,
                         std::int64_t first_row, std::int64_t rows_per_head, cudaStream_t stream) {
  if (rows <= 0 || columns <= 0) return cudaSuccess;
  SoftmaxRows s{rows, columns, scale, causal, first_row, rows_per_head};
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    auto* target = static_cast<T*>(probabilities);
    auto eighths = static_cast<unsigned>((rows + 7) / 8), all = static_cast<unsigned>(rows);
    if (columns <= 128) {
      return launch(softmax_in_registers<T, 32, 4>, eighths, 256, 0, stream, scores, target, s);
    } else if (columns <= 1024) {
      return launch(softmax_in_registers<T, 256, 4>, all, 256, 0, stream, scores, target, s);
    } else if (columns <= 4096) {
      return launch(softmax_in_registers<T, 256, 16>, all, 256, 0, stream, scores, target, s);
    } else {
      return launch(softmax_long_rows<T>, all, 256, 0, stream, scores, target, s);
    }
  });
}

cudaError_t find_non_finite(Element element, const void* x, std::int64_t count, std::int32_t* flag,
                            cudaStream_t stream) {
  if (count <= 0) return cudaSuccess;
  return with_packets(element, {x}, {count}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    std::int64_t packets = count / n, blocks = (packets + 1023) / 1024;
    return launch(find_kernel<T, n>, static_cast<unsigned>(blocks < 1056 ? blocks : 1056), 256, 0,
                  stream, static_cast<const Packet<T, n>*>(x), packets, flag);
  });
}

}  // namespace obscura::backend::cuda
