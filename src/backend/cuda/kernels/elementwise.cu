#include "backend/cuda/kernels/elementwise.h"

#include <cmath>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/math.cuh"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/tiles.cuh"
#include "ir/activation.h"

namespace obscura::backend::cuda {
namespace {

using ir::Activation;

template <class T, int n>
struct Activate {
  static constexpr int kBatch = 2;
  using P = Packet<T, n>;
  struct Loaded {
    P x, residual;
  };

  const P* x;
  const P* residual;
  P* y;
  Activation activation;

  __device__ Loaded load(const Place& at) const {
    Loaded loaded;
    loaded.x = x[at.column];
    if (residual != nullptr) loaded.residual = residual[at.column];
    return loaded;
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    float v[n], r[n];
    widen(loaded.x, v);
    switch (activation) {
      case Activation::kNone:
        break;
      case Activation::kSilu:
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = silu<T>(v[i]);
        break;
      case Activation::kGelu:
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = gelu<T>(v[i]);
        break;
      case Activation::kQuickGelu:
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = scaled_silu<T>(v[i], 1.702f);
        break;
      case Activation::kRelu:
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = fmaxf(v[i], 0.0f);
        break;
    }
    if (residual != nullptr) {
      widen(loaded.residual, r);
#pragma unroll
      for (int i = 0; i < n; ++i) v[i] += r[i];
    }
    y[at.column] = narrow<T>(v);
  }
};

template <class T, int n>
struct Geglu {
  static constexpr int kBatch = 2;
  using P = Packet<T, n>;
  struct Loaded {
    P value, gate;
  };

  const P* x;
  P* y;
  std::int64_t width;  // packets

  __device__ Loaded load(const Place& at) const {
    const P* from = x + at.row * 2 * width + at.column;
    return {from[0], from[width]};
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    float v[n], gate[n];
    widen(loaded.value, v);
    widen(loaded.gate, gate);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] *= gelu<T>(gate[i]);
    y[at.row * width + at.column] = narrow<T>(v);
  }
};

template <class T, int n>
struct Add {
  static constexpr int kBatch = 2;
  using P = Packet<T, n>;
  struct Loaded {
    P a, b;
  };

  const P* a;
  const P* b;
  P* y;
  std::int64_t rows, columns, b_stride;  // packets

  __device__ std::int64_t index(const Place& at) const {
    return (at.sample * rows + at.row) * columns + at.column;
  }
  __device__ Loaded load(const Place& at) const {
    return {a[index(at)], b[at.sample * b_stride + at.column]};
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    float v[n], w[n];
    widen(loaded.a, v);
    widen(loaded.b, w);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] += w[i];
    y[index(at)] = narrow<T>(v);
  }
};

template <class T, int n>
struct Scale {
  static constexpr int kBatch = 2;
  using P = Packet<T, n>;
  struct Loaded {
    P x;
  };

  const P* x;
  const float* factor;
  P* y;

  __device__ Loaded load(const Place& at) const { return {x[at.column]}; }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    float v[n];
    widen(loaded.x, v);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] *= *factor;
    y[at.column] = narrow<T>(v);
  }
};

// The exponential in double rounds to the float32 that the host finds: at t = 999 one unit in the
// last place of a frequency would show.
__global__ void sinusoid_kernel(const float* t, float* y, int half, float log_period) {
  int i = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
  if (i >= half) return;
  float exponent =
      __fdiv_rn(__fmul_rn(-log_period, static_cast<float>(i)), static_cast<float>(half));
  float angle = __fmul_rn(t[blockIdx.x], static_cast<float>(exp(static_cast<double>(exponent))));
  float* row = y + static_cast<std::int64_t>(blockIdx.x) * 2 * half;
  row[i] = cosf(angle);
  row[half + i] = sinf(angle);
}

}  // namespace

cudaError_t activate_into(Element element, Activation activation, const void* x,
                          const void* residual, void* y, std::int64_t count, cudaStream_t stream) {
  return with_packets(element, {x, residual, y}, {count}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    Activate<T, n> op{static_cast<const P*>(x), static_cast<const P*>(residual), static_cast<P*>(y),
                      activation};
    return launch_tiles(op, 1, 1, count / n, stream);
  });
}

cudaError_t activate(Element element, Activation activation, void* x, const void* residual,
                     std::int64_t count, cudaStream_t stream) {
  return activate_into(element, activation, x, residual, x, count, stream);
}

cudaError_t scale(Element element, const void* x, const float* factor, void* y, std::int64_t count,
                  cudaStream_t stream) {
  return with_packets(element, {x, y}, {count}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    Scale<T, n> op{static_cast<const P*>(x), factor, static_cast<P*>(y)};
    return launch_tiles(op, 1, 1, count / n, stream);
  });
}

cudaError_t geglu(Element element, const void* x, void* y, std::int64_t rows, std::int64_t width,
                  cudaStream_t stream) {
  return with_packets(element, {x, y}, {width}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    Geglu<T, n> op{static_cast<const P*>(x), static_cast<P*>(y), width / n};
    return launch_tiles(op, 1, rows, width / n, stream);
  });
}

cudaError_t add(Element element, const void* a, const void* b, void* y, std::int64_t samples,
                std::int64_t rows, std::int64_t columns, bool per_sample, cudaStream_t stream) {
  return with_packets(element, {a, b, y}, {columns}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    Add<T, n> op{static_cast<const P*>(a),
                 static_cast<const P*>(b),
                 static_cast<P*>(y),
                 rows,
                 columns / n,
                 per_sample ? columns / n : 0};
    return launch_tiles(op, samples, rows, columns / n, stream);
  });
}

cudaError_t sinusoid(const float* t, float* y, std::int64_t samples, int size,
                     cudaStream_t stream) {
  if (samples == 0) return cudaSuccess;
  int half = size / 2;
  dim3 grid(static_cast<unsigned>(samples), static_cast<unsigned>((half + 127) / 128));
  return launch(sinusoid_kernel, grid, 128, 0, stream, t, y, half, std::log(10000.0f));
}

}  // namespace obscura::backend::cuda
