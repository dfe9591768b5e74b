// What convolutions need done to images before and after the library's kernel, and activations of
// whole values.
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/math.cuh"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/tiles.cuh"

namespace obscura::backend::cuda {
namespace {

template <class T, int n>
struct Prepare {
  static constexpr int kBatch = n > 4 ? 2 : 4;
  using P = Packet<T, n>;
  using Loaded = P;

  const P* x;
  const float* scale_shift;
  P* y;
  std::int64_t pixels, columns, columns_padded;  // columns in packets
  unsigned width;
  bool silu_after, upsample;

  __device__ Loaded load(const Place& at) const {
    if (at.column < columns) return x[(at.sample * pixels + at.row) * columns + at.column];
    float zeros[n] = {};
    return narrow<T>(zeros);
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    P result = loaded;
    if ((scale_shift != nullptr || silu_after) && at.column < columns) {
      float v[n];
      widen(loaded, v);
      if (scale_shift != nullptr) {
        const float* scale = scale_shift + (at.sample * 2 * columns + at.column) * n;
        float a[n], b[n];
        load_floats(scale, a);
        load_floats(scale + columns * n, b);
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = fmaf(v[i], a[i], b[i]);
      }
      if (silu_after) {
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = silu<T>(v[i]);
      }
      result = narrow<T>(v);
    }
    if (!upsample) {
      y[(at.sample * pixels + at.row) * columns_padded + at.column] = result;
      return;
    }
    unsigned row = static_cast<unsigned>(at.row) / width;
    unsigned column = static_cast<unsigned>(at.row) - row * width;
    P* corner = y +
                (at.sample * 4 * pixels + static_cast<std::int64_t>(row) * 4 * width + 2 * column) *
                    columns_padded +
                at.column;
    P* below = corner + static_cast<std::int64_t>(2) * width * columns_padded;
    corner[0] = result;
    corner[columns_padded] = result;
    below[0] = result;
    below[columns_padded] = result;
  }
};

template <class T, int n>
struct Finish {
  static constexpr int kBatch = 2;
  using P = Packet<T, n>;
  struct Loaded {
    P y, residual;
  };

  const P* y;
  const P* bias;
  const P* channel_add;
  const P* residual;
  P* target;
  std::int64_t pixels, columns, row_stride;  // packets

  __device__ Loaded load(const Place& at) const {
    std::int64_t pixel = at.sample * pixels + at.row;
    Loaded loaded;
    loaded.y = y[pixel * row_stride + at.column];
    if (residual != nullptr) loaded.residual = residual[pixel * columns + at.column];
    return loaded;
  }
  __device__ void add(float (&v)[n], const P& other) const {
    float w[n];
    widen(other, w);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] += w[i];
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    float v[n];
    widen(loaded.y, v);
    if (bias != nullptr) add(v, bias[at.column]);
    if (channel_add != nullptr) add(v, channel_add[at.sample * columns + at.column]);
    if (residual != nullptr) add(v, loaded.residual);
    target[(at.sample * pixels + at.row) * columns + at.column] = narrow<T>(v);
  }
};

template <class T>
struct CombineBias {
  static constexpr int kBatch = 1;
  struct Loaded {
    float sum;
  };

  const T* bias;
  const T* channel_add;
  T* target;
  std::int64_t channels;

  __device__ Loaded load(const Place& at) const {
    float sum = bias != nullptr ? widen(bias[at.column]) : 0;
    if (channel_add != nullptr) sum += widen(channel_add[at.row * channels + at.column]);
    return {sum};
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    target[at.row * channels + at.column] = narrow<T>(loaded.sum);
  }
};

}  // namespace

cudaError_t prepare_image(Element element, const void* x, const float* scale_shift, bool silu,
                          bool upsample, void* y, std::int64_t samples, std::int64_t height,
                          std::int64_t width, std::int64_t channels, std::int64_t channels_padded,
                          cudaStream_t stream) {
  return with_packets(
      element, {x, scale_shift, y}, {channels, channels_padded}, [&](auto type, auto packet) {
        constexpr int n = decltype(packet)::value;
        using T = typename decltype(type)::type;
        using P = Packet<T, n>;
        Prepare<T, n> op;
        op.x = static_cast<const P*>(x);
        op.scale_shift = scale_shift;
        op.y = static_cast<P*>(y);
        op.pixels = height * width;
        op.columns = channels / n;
        op.columns_padded = channels_padded / n;
        op.width = static_cast<unsigned>(width);
        op.silu_after = silu;
        op.upsample = upsample;
        return launch_tiles(op, samples, height * width, channels_padded / n, stream);
      });
}

cudaError_t finish_image(Element element, const void* y, std::int64_t row_stride, const void* bias,
                         const void* channel_add, const void* residual, void* target,
                         std::int64_t samples, std::int64_t pixels, std::int64_t channels,
                         cudaStream_t stream) {
  return with_packets(element, {y, bias, channel_add, residual, target}, {channels, row_stride},
                      [&](auto type, auto packet) {
                        constexpr int n = decltype(packet)::value;
                        using T = typename decltype(type)::type;
                        using P = Packet<T, n>;
                        Finish<T, n> op;
                        op.y = static_cast<const P*>(y);
                        op.bias = static_cast<const P*>(bias);
                        op.channel_add = static_cast<const P*>(channel_add);
                        op.residual = static_cast<const P*>(residual);
                        op.target = static_cast<P*>(target);
                        op.pixels = pixels;
                        op.columns = channels / n;
                        op.row_stride = row_stride / n;
                        return launch_tiles(op, samples, pixels, channels / n, stream);
                      });
}

cudaError_t combine_bias(Element element, const void* bias, const void* channel_add, void* target,
                         std::int64_t samples, std::int64_t channels, cudaStream_t stream) {
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    CombineBias<T> op{static_cast<const T*>(bias), static_cast<const T*>(channel_add),
                      static_cast<T*>(target), channels};
    return launch_tiles(op, 1, samples, channels, stream);
  });
}

}  // namespace obscura::backend::cuda
