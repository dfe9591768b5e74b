#include "backend/cuda/kernels/bislerp.h"

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int kPixels = 8;  // of a block, a warp each

struct Weights {
  float from, to;
};

// The direction goes along the great circle, the length linearly. Nearly equal vectors give the
// first, nearly opposite ones the straight line between them; zeros count as orthogonal.
__device__ Weights slerp_weights(float from_norm, float to_norm, float product, float share) {
  float from_scale = from_norm > 0 ? 1 / from_norm : 0, to_scale = to_norm > 0 ? 1 / to_norm : 0;
  float dot = product * from_scale * to_scale;
  if (dot > 1 - 1e-5f) return {1, 0};
  if (dot < 1e-5f - 1) return {1 - share, share};
  float angle = acosf(dot);
  float length = (from_norm * (1 - share) + to_norm * share) / sinf(angle);
  return {length * sinf((1 - share) * angle) * from_scale, length * sinf(share * angle) * to_scale};
}

// The new positions of an axis of `from` pixels that lie `stride` vectors apart.
struct Axis {
  std::int64_t from, to, stride;
  float scale;
};

// x (…, from, stride, channels) -> y (…, to, stride, channels), in `vectors` vectors.
template <class In, class Out>
__global__ void __launch_bounds__(kPixels* kWarp)
    bislerp_axis(const In* x, Out* y, const Axis axis, std::int64_t vectors,
                 std::int64_t channels) {
  const std::int64_t vector = static_cast<std::int64_t>(blockIdx.x) * kPixels + threadIdx.x / kWarp;
  if (vector >= vectors) return;  // whole warps
  const std::int64_t inner = vector % axis.stride, i = vector / axis.stride % axis.to,
                     outer = vector / axis.stride / axis.to;
  // As PyTorch interpolates the coordinates: without contraction, since it decides the pixel.
  const float position =
      fmaxf(0.0f, __fadd_rn(__fmul_rn(axis.scale, static_cast<float>(i) + 0.5f), -0.5f));
  std::int64_t low = static_cast<std::int64_t>(position);
  if (low > axis.from - 1) low = axis.from - 1;
  const std::int64_t high = low + 1 < axis.from ? low + 1 : low;
  const float share = low == high ? 0.0f : position - static_cast<float>(low);
  const In* first = x + ((outer * axis.from + low) * axis.stride + inner) * channels;
  const In* second = x + ((outer * axis.from + high) * axis.stride + inner) * channels;
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  float a = 0, b = 0, product = 0;
  for (std::int64_t c = lane; c < channels; c += kWarp) {
    float u = widen(first[c]), v = widen(second[c]);
    a = fmaf(u, u, a);
    b = fmaf(v, v, b);
    product = fmaf(u, v, product);
  }
  a = reduce_warp(a, Sum());
  b = reduce_warp(b, Sum());
  product = reduce_warp(product, Sum());
  const Weights weights = slerp_weights(sqrtf(a), sqrtf(b), product, share);
  for (std::int64_t c = lane; c < channels; c += kWarp)
    y[vector * channels + c] =
        narrow<Out>(weights.from * widen(first[c]) + weights.to * widen(second[c]));
}

template <class In, class Out>
cudaError_t launch_axis(const In* x, Out* y, std::int64_t outer, std::int64_t from, std::int64_t to,
                        std::int64_t stride, std::int64_t channels, cudaStream_t stream) {
  const Axis axis{from, to, stride, static_cast<float>(from) / static_cast<float>(to)};
  const std::int64_t vectors = outer * to * stride;
  return launch(bislerp_axis<In, Out>, static_cast<unsigned>((vectors + kPixels - 1) / kPixels),
                kPixels * kWarp, 0, stream, x, y, axis, vectors, channels);
}

}  // namespace

cudaError_t resize_bislerp(Element element, const void* x, float* wide, void* y,
                           std::int64_t samples, std::int64_t height, std::int64_t width,
                           std::int64_t new_height, std::int64_t new_width, std::int64_t channels,
                           cudaStream_t stream) {
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    cudaError_t error = launch_axis(static_cast<const T*>(x), wide, samples * height, width,
                                    new_width, 1, channels, stream);
    if (error != cudaSuccess) return error;
    return launch_axis(static_cast<const float*>(wide), static_cast<T*>(y), samples, height,
                       new_height, new_width, channels, stream);
  });
}

}  // namespace obscura::backend::cuda
