#include "backend/cuda/kernels/fp8.h"

#include <cuda_fp8.h>

#include "backend/cuda/kernels/math.cuh"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int n = 8;  // elements of a packet
constexpr int kBlock = 256;
constexpr float kLargest = 448.0f;  // of e4m3

template <class T>
struct Plain {
  using P = Packet<T, n>;
  using Loaded = P;
  static constexpr bool kNormalised = false;

  const P* x;
  std::int64_t columns;

  __device__ Loaded load(std::int64_t row, int column) const { return x[row * columns + column]; }
  __device__ void values(const Loaded& loaded, float (&v)[n]) const { widen(loaded, v); }
};

template <class T>
struct LayerNorm : Plain<T> {
  using P = Packet<T, n>;
  static constexpr bool kNormalised = true;

  const P* gamma;
  const P* beta;
  float eps;
};

template <class T>
struct Geglu {
  using P = Packet<T, n>;
  struct Loaded {
    P value, gate;
  };
  static constexpr bool kNormalised = false;

  const P* x;
  std::int64_t columns;

  __device__ Loaded load(std::int64_t row, int column) const {
    const P* from = x + row * 2 * columns + column;
    return {from[0], from[columns]};
  }
  __device__ void values(const Loaded& loaded, float (&v)[n]) const {
    float gate[n];
    widen(loaded.value, v);
    widen(loaded.gate, gate);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] *= gelu<T>(gate[i]);
  }
};

// Mean and variance as in layer_norm.cu. Values beyond the row are not touched.
template <int kThreads, int kHeld, class T>
__device__ void normalise(const LayerNorm<T>& source, int lane, float* scratch,
                          float (&v)[kHeld][n]) {
  float width = static_cast<float>(source.columns * n), sum = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kThreads + lane >= source.columns) break;
#pragma unroll
    for (int j = 0; j < n; ++j) sum += v[i][j];
  }
  float mean = reduce<kThreads>(sum, scratch, Sum()) / width;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kThreads + lane >= source.columns) break;
#pragma unroll
    for (int j = 0; j < n; ++j) {
      v[i][j] -= mean;
      squares = fmaf(v[i][j], v[i][j], squares);
    }
  }
  float inverse = 1.0f / sqrtf(reduce<kThreads>(squares, scratch, Sum()) / width + source.eps);
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    int column = i * kThreads + lane;
    if (column >= source.columns) break;
    float scale[n], shift[n];
    widen(source.gamma[column], scale);
    widen(source.beta[column], shift);
#pragma unroll
    for (int j = 0; j < n; ++j) v[i][j] = fmaf(v[i][j] * inverse, scale[j], shift[j]);
  }
}

__device__ uint2 narrow_to_fp8(const float (&v)[n], float inverse) {
  unsigned short pairs[n / 2];
#pragma unroll
  for (int i = 0; i < n / 2; ++i) {
    float2 two = make_float2(v[2 * i] * inverse, v[2 * i + 1] * inverse);
    pairs[i] = __nv_cvt_float2_to_fp8x2(two, __NV_SATFINITE, __NV_E4M3);
  }
  return make_uint2(pairs[0] | static_cast<unsigned>(pairs[1]) << 16,
                    pairs[2] | static_cast<unsigned>(pairs[3]) << 16);
}

// kThreads threads to a row, which stays in their registers between the search for its largest
// element and the rounding.
template <int kThreads, int kHeld, class Source>
__global__ void __launch_bounds__(kBlock)
    quantise(const Source source, std::int64_t rows, uint2* q, float* scale) {
  __shared__ float scratch[kBlock / kWarp];
  std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * (kBlock / kThreads) + threadIdx.x / kThreads;
  if (row >= rows) return;  // whole warps; a row of several warps is the block's only one
  int lane = static_cast<int>(threadIdx.x % kThreads), columns = static_cast<int>(source.columns);
  typename Source::Loaded loaded[kHeld];
  float v[kHeld][n];
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kThreads + lane < columns) loaded[i] = source.load(row, i * kThreads + lane);
  }
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kThreads + lane < columns) source.values(loaded[i], v[i]);
  }
  if constexpr (Source::kNormalised) normalise<kThreads>(source, lane, scratch, v);
  float largest = 0;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kThreads + lane >= columns) break;
#pragma unroll
    for (int j = 0; j < n; ++j) largest = fmaxf(largest, fabsf(v[i][j]));
  }
  // A row of zeros has some scale.
  largest = fmaxf(reduce<kThreads>(largest, scratch, Larger()), 1e-30f);
  if (lane == 0) scale[row] = largest / kLargest;
  float inverse = kLargest / largest;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    int column = i * kThreads + lane;
    if (column < columns) q[row * columns + column] = narrow_to_fp8(v[i], inverse);
  }
}

template <class Source>
void launch(const Source& source, std::int64_t rows, std::uint8_t* q, float* scale,
            cudaStream_t stream) {
  if (rows <= 0) return;
  auto* target = reinterpret_cast<uint2*>(q);
  std::int64_t width = source.columns * n;
  auto warps = static_cast<unsigned>((rows + kBlock / kWarp - 1) / (kBlock / kWarp));
  auto blocks = static_cast<unsigned>(rows);
  if (width <= 1280) {
    quantise<kWarp, 5><<<warps, kBlock, 0, stream>>>(source, rows, target, scale);
  } else if (width <= 2048) {
    quantise<kWarp, 8><<<warps, kBlock, 0, stream>>>(source, rows, target, scale);
  } else if (width <= 6144) {
    quantise<kBlock, 3><<<blocks, kBlock, 0, stream>>>(source, rows, target, scale);
  } else {
    quantise<kBlock, 5><<<blocks, kBlock, 0, stream>>>(source, rows, target, scale);
  }
}

// body(Type<T>()) for the two 16-bit types.
template <class Body>
void with_short_type(Element element, const Body& body) {
  if (element == Element::kF16) {
    body(Type<__half>());
  } else {
    body(Type<__nv_bfloat16>());
  }
}

}  // namespace

void quantise_rows(Element element, const void* x, std::int64_t rows, std::int64_t width,
                   std::uint8_t* q, float* scale, cudaStream_t stream) {
  with_short_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    launch(Plain<T>{static_cast<const Packet<T, n>*>(x), width / n}, rows, q, scale, stream);
  });
}

void quantise_layer_norm(Element element, const void* x, const void* gamma, const void* beta,
                         float eps, std::int64_t rows, std::int64_t width, std::uint8_t* q,
                         float* scale, cudaStream_t stream) {
  with_short_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    LayerNorm<T> source{{static_cast<const P*>(x), width / n},
                        static_cast<const P*>(gamma),
                        static_cast<const P*>(beta),
                        eps};
    launch(source, rows, q, scale, stream);
  });
}

void quantise_geglu(Element element, const void* x, std::int64_t rows, std::int64_t width,
                    std::uint8_t* q, float* scale, cudaStream_t stream) {
  with_short_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    launch(Geglu<T>{static_cast<const Packet<T, n>*>(x), width / n}, rows, q, scale, stream);
  });
}

}  // namespace obscura::backend::cuda
