#include "backend/cuda/kernels/tokens.h"

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int kThreads = 256, kMergeThreads = 128;
constexpr int kRows = kThreads / kWarp;  // of a block, a warp each

template <class T>
__global__ void __launch_bounds__(kThreads)
    inverse_lengths_kernel(const T* x, float* inverse, std::int64_t rows, std::int64_t width) {
  std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kRows + threadIdx.x / kWarp;
  if (row >= rows) return;  // whole warps
  float sum = 0;
  for (std::int64_t c = threadIdx.x % kWarp; c < width; c += kWarp) {
    float v = widen(x[row * width + c]);
    sum = fmaf(v, v, sum);
  }
  sum = reduce_warp(sum, Sum());
  if (threadIdx.x % kWarp == 0) inverse[row] = sum == 0 ? 0 : 1 / sqrtf(sum);
}

__global__ void __launch_bounds__(kThreads)
    match_kernel(const float* products, const float* inverse, const TokenLists lists,
                 std::int64_t first, std::int64_t count, TokenMatch* matches) {
  std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kRows + threadIdx.x / kWarp;
  if (row >= count) return;  // whole warps
  const float own = inverse[first + row];
  float best = -1;
  int place = 0;  // among the destinations
  for (int d = static_cast<int>(threadIdx.x) % kWarp; d < lists.destination_count; d += kWarp) {
    float likeness =
        products[row * lists.destination_count + d] * inverse[lists.destinations[d]] * own;
    if (likeness > best) {
      best = likeness;
      place = d;
    }
  }
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    float other = __shfl_xor_sync(0xffffffffu, best, distance);
    int other_place = __shfl_xor_sync(0xffffffffu, place, distance);
    if (other > best || (other == best && other_place < place)) {
      best = other;
      place = other_place;
    }
  }
  if (threadIdx.x % kWarp == 0) matches[first + row] = {lists.destinations[place], best};
}

// places[t] = -1 - the destination of the sources that merge: those that fewer than `merged` others
// are before, by their cosines and then by their numbers.
__global__ void __launch_bounds__(kThreads)
    mark_merged(const TokenMatch* matches, const TokenLists lists, int merged,
                std::int32_t* places) {
  __shared__ float tile[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const int own_place = static_cast<int>(blockIdx.x) * kThreads + thread;
  const bool exists = own_place < lists.source_count;
  const float own = exists ? matches[lists.sources[own_place]].cosine : 0;
  int before = 0;
  for (int base = 0; base < lists.source_count; base += kThreads) {
    const int loaded = base + thread;
    __syncthreads();  // the tile before may still be read
    tile[thread] = loaded < lists.source_count ? matches[lists.sources[loaded]].cosine : -2;
    __syncthreads();
    for (int k = 0; k < kThreads; ++k)
      before += tile[k] > own || (tile[k] == own && base + k < own_place) ? 1 : 0;
  }
  if (exists && before < merged)
    places[lists.sources[own_place]] = -1 - matches[lists.sources[own_place]].destination;
}

// Numbers the tokens that remain, and gives the others their destination's number. One block, a
// stretch of tokens to a thread.
__global__ void __launch_bounds__(kThreads) number_places(int tokens, std::int32_t* places) {
  __shared__ int remaining[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const int stretch = (tokens + kThreads - 1) / kThreads;
  const int first = min(tokens, thread * stretch), end = min(tokens, first + stretch);
  int count = 0;
  for (int t = first; t < end; ++t) count += places[t] < 0 ? 0 : 1;
  remaining[thread] = count;
  __syncthreads();
  int next = 0;
  for (int i = 0; i < thread; ++i) next += remaining[i];
  for (int t = first; t < end; ++t)
    if (places[t] >= 0) places[t] = next++;
  __syncthreads();
  for (int t = first; t < end; ++t)
    if (places[t] < 0) places[t] = places[-1 - places[t]];
}

// A block to a place and a stretch of its channels. Looks for the place's tokens 32 to a thread.
template <class T, int n>
__global__ void __launch_bounds__(kMergeThreads)
    mean_kernel(const Packet<T, n>* x, const std::int32_t* places, Packet<T, n>* y, int tokens,
                std::int64_t columns) {
  constexpr int kBits = 32;
  __shared__ unsigned found[kMergeThreads];
  const int place = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const std::int64_t sample = blockIdx.z;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kMergeThreads + thread;
  places += sample * tokens;
  x += sample * tokens * columns;
  float sum[n] = {};
  int count = 0;
  for (int base = 0; base < tokens; base += kMergeThreads * kBits) {
    const int first = base + thread * kBits;
    unsigned bits = 0;
    for (int k = 0; k < kBits && first + k < tokens; ++k)
      if (places[first + k] == place) bits |= 1u << k;
    __syncthreads();  // those before may still be read
    found[thread] = bits;
    __syncthreads();
    for (int word = 0; word < kMergeThreads; ++word) {
      for (unsigned left = found[word]; left != 0; left &= left - 1, ++count) {
        if (column >= columns) continue;
        const int token = base + word * kBits + __ffs(static_cast<int>(left)) - 1;
        float v[n];
        widen(x[token * columns + column], v);
#pragma unroll
        for (int i = 0; i < n; ++i) sum[i] += v[i];
      }
    }
  }
  if (column >= columns) return;
#pragma unroll
  for (int i = 0; i < n; ++i) sum[i] /= static_cast<float>(count);
  y[(sample * gridDim.x + place) * columns + column] = narrow<T>(sum);
}

unsigned blocks_of(std::int64_t count, int each) {
  return static_cast<unsigned>((count + each - 1) / each);
}

}  // namespace

cudaError_t inverse_lengths(Element element, const void* x, float* inverse, std::int64_t rows,
                            std::int64_t width, cudaStream_t stream) {
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    return launch(inverse_lengths_kernel<T>, blocks_of(rows, kRows), kThreads, 0, stream,
                  static_cast<const T*>(x), inverse, rows, width);
  });
}

cudaError_t match_by_products(const float* products, const float* inverse, const TokenLists& lists,
                              std::int64_t first, std::int64_t count, TokenMatch* matches,
                              cudaStream_t stream) {
  return launch(match_kernel, blocks_of(count, kRows), kThreads, 0, stream, products, inverse,
                lists, first, count, matches);
}

cudaError_t place_tokens(const TokenMatch* matches, const TokenLists& lists, std::int32_t merged,
                         std::int32_t* places, cudaStream_t stream) {
  cudaError_t error = launch(mark_merged, blocks_of(lists.source_count, kThreads), kThreads, 0,
                             stream, matches, lists, merged, places);
  if (error != cudaSuccess) return error;
  return launch(number_places, 1, kThreads, 0, stream, lists.tokens(), places);
}

cudaError_t mean_at_places(Element element, const void* x, const std::int32_t* places, void* y,
                           std::int64_t samples, std::int64_t tokens, std::int64_t remaining,
                           std::int64_t width, cudaStream_t stream) {
  return with_packets(element, {x, y}, {width}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    const std::int64_t columns = width / n;
    const dim3 grid(static_cast<unsigned>(remaining), blocks_of(columns, kMergeThreads),
                    static_cast<unsigned>(samples));
    return launch(mean_kernel<T, n>, grid, kMergeThreads, 0, stream,
                  static_cast<const Packet<T, n>*>(x), places, static_cast<Packet<T, n>*>(y),
                  static_cast<int>(tokens), columns);
  });
}

}  // namespace obscura::backend::cuda
