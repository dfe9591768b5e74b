// Row-wise softmax of attention scores, and the search for what is not finite.
#include <cfloat>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

// One row of scores as the softmax takes them.
template <class T>
struct Row {
  const float* scores;
  const T* added;            // or null: numbers of a mask
  const std::int32_t* seen;  // or null: 0 where a mask hides the column
  float scale;
  std::int64_t visible;  // columns, counted from the first

  __device__ float score(std::int64_t column) const {
    if (seen != nullptr && seen[column] == 0) return -INFINITY;
    float score = scores[column] * scale;
    return added == nullptr ? score : score + widen(added[column]);
  }
};

template <class T>
__device__ Row<T> row_of(const SoftmaxRows& s, std::int64_t row) {
  Row<T> result{s.scores + row * s.columns, nullptr, nullptr, s.scale, s.columns};
  if (!s.causal && s.mask == nullptr) return result;
  std::int64_t head = row / s.rows_per_head, query = s.first_row + row % s.rows_per_head;
  if (s.causal && query + 1 < s.columns) result.visible = query + 1;
  std::int64_t masked = head * s.mask_head_stride + query * s.mask_query_stride;
  if (s.mask_adds) {
    result.added = static_cast<const T*>(s.mask) + masked;
  } else if (s.mask != nullptr) {
    result.seen = static_cast<const std::int32_t*>(s.mask) + masked;
  }
  return result;
}

// 0 of a row that sees nothing.
__device__ float inverse_of(float sum) {
  return sum == 0 ? 0 : 1 / sum;
}

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
__global__ void __launch_bounds__(256) softmax_in_registers(const SoftmaxRows s, T* probabilities) {
  __shared__ float scratch[kWarp];
  constexpr int kRows = 256 / kThreads;
  std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kRows + threadIdx.x / kThreads;
  if (row >= s.rows) return;  // whole warps; a row of several warps is the block's only one
  int lane = static_cast<int>(threadIdx.x % kThreads);
  const Row<T> r = row_of<T>(s, row);
  probabilities += row * s.columns;
  float x[kItems];
  float largest = -FLT_MAX, sum = 0;
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    int column = i * kThreads + lane;
    if (column < r.visible) x[i] = r.score(column);
  }
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    if (i * kThreads + lane < r.visible) largest = fmaxf(largest, x[i]);
  }
  largest = reduce<kThreads>(largest, scratch, Larger());
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    bool seen = i * kThreads + lane < r.visible;
    x[i] = seen ? exponential<T>(x[i] - largest) : 0;
    sum += x[i];
  }
  float inverse = inverse_of(reduce<kThreads>(sum, scratch, Sum()));
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    int column = i * kThreads + lane;
    if (column < s.columns) probabilities[column] = narrow<T>(x[i] * inverse);
  }
}

// A block to a row of any length, read three times.
template <class T>
__global__ void __launch_bounds__(256) softmax_long_rows(const SoftmaxRows s, T* probabilities) {
  __shared__ float scratch[kWarp];
  const Row<T> r = row_of<T>(s, blockIdx.x);
  probabilities += blockIdx.x * s.columns;
  float largest = -FLT_MAX, sum = 0;
  for (std::int64_t c = threadIdx.x; c < r.visible; c += 256) largest = fmaxf(largest, r.score(c));
  largest = reduce<256>(largest, scratch, Larger());
  for (std::int64_t c = threadIdx.x; c < r.visible; c += 256)
    sum += exponential<T>(r.score(c) - largest);
  float inverse = inverse_of(reduce<256>(sum, scratch, Sum()));
  for (std::int64_t c = threadIdx.x; c < s.columns; c += 256) {
    float p = c < r.visible ? exponential<T>(r.score(c) - largest) * inverse : 0;
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

cudaError_t softmax_rows(Element element, const SoftmaxRows& s, void* probabilities,
                         cudaStream_t stream) {
  if (s.rows <= 0 || s.columns <= 0) return cudaSuccess;
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    auto* target = static_cast<T*>(probabilities);
    auto eighths = static_cast<unsigned>((s.rows + 7) / 8), all = static_cast<unsigned>(s.rows);
    if (s.columns <= 128) {
      return launch(softmax_in_registers<T, 32, 4>, eighths, 256, 0, stream, s, target);
    } else if (s.columns <= 1024) {
      return launch(softmax_in_registers<T, 256, 4>, all, 256, 0, stream, s, target);
    } else if (s.columns <= 4096) {
      return launch(softmax_in_registers<T, 256, 16>, all, 256, 0, stream, s, target);
    } else {
      return launch(softmax_long_rows<T>, all, 256, 0, stream, s, target);
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
