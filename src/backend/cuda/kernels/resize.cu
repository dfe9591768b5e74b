#include "backend/cuda/kernels/resize.h"

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/tiles.cuh"

namespace obscura::backend::cuda {
namespace {

// The old pixels that a new one of an axis is made of, and their shares: as tensor/resize.cpp has
// them, in float32 without contraction, since a rounding decides which pixel is nearest.
struct Taps {
  int first, count;
  float offset;  // of the new pixel's centre from the first tap's, in old pixels

  __device__ Taps(Resampling method, unsigned i, unsigned from, unsigned to, float scale) {
    float centre = static_cast<float>(i) + 0.5f;
    float position = __fadd_rn(__fmul_rn(scale, centre), -0.5f);
    switch (method) {
      case Resampling::kNearest:
        first = static_cast<int>(floorf(__fmul_rn(centre, scale)));
        count = 1;
        offset = 0;
        return;
      case Resampling::kBilinear:
        position = fmaxf(position, 0.0f);
        first = min(static_cast<int>(position), static_cast<int>(from) - 1);
        count = 2;
        offset = position - static_cast<float>(first);
        return;
      case Resampling::kArea:
        first = static_cast<int>(static_cast<unsigned long long>(i) * from / to);
        count =
            static_cast<int>((static_cast<unsigned long long>(i + 1) * from + to - 1) / to) - first;
        offset = 0;
        return;
      case Resampling::kBicubic:
        first = static_cast<int>(floorf(position)) - 1;
        count = 4;
        offset = position - static_cast<float>(first);
        return;
    }
  }

  __device__ float weight(Resampling method, int tap) const {
    if (method == Resampling::kNearest) return 1;
    if (method == Resampling::kBilinear) return tap == 0 ? 1.0f - offset : offset;
    if (method == Resampling::kArea) return 1.0f / static_cast<float>(count);
    constexpr float kA = -0.75f;  // Keys' cubic convolution
    float d = fabsf(offset - static_cast<float>(tap));
    if (d <= 1) return ((kA + 2) * d - (kA + 3)) * d * d + 1;
    return d < 2 ? ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA : 0.0f;
  }
};

// Pixels beyond the border count as the border's.
__device__ unsigned inside(int place, unsigned length) {
  return static_cast<unsigned>(min(max(place, 0), static_cast<int>(length) - 1));
}

template <class T, int n>
struct Resize {
  static constexpr int kBatch = 1;
  using P = Packet<T, n>;
  using Loaded = P;

  const P* x;
  P* y;
  std::int64_t pixels, columns;  // pixels: of the new image
  Resampling method;
  unsigned height, width, new_height, new_width;
  float scale_y, scale_x;

  __device__ Loaded load(const Place& at) const {
    auto p = static_cast<unsigned>(at.row);
    Taps down(method, p / new_width, height, new_height, scale_y);
    Taps across(method, p % new_width, width, new_width, scale_x);
    float sum[n] = {};
    for (int i = 0; i < down.count; ++i) {
      std::int64_t row = at.sample * height + inside(down.first + i, height);
      float line[n] = {}, share = down.weight(method, i);
      for (int k = 0; k < across.count; ++k) {
        float v[n], weight = across.weight(method, k);
        widen(x[(row * width + inside(across.first + k, width)) * columns + at.column], v);
#pragma unroll
        for (int j = 0; j < n; ++j) line[j] = fmaf(weight, v[j], line[j]);
      }
#pragma unroll
      for (int j = 0; j < n; ++j) sum[j] = fmaf(share, line[j], sum[j]);
    }
    return narrow<T>(sum);
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    y[(at.sample * pixels + at.row) * columns + at.column] = loaded;
  }
};

}  // namespace

cudaError_t resize(Element element, Resampling method, const void* x, void* y, std::int64_t samples,
                   std::int64_t height, std::int64_t width, std::int64_t new_height,
                   std::int64_t new_width, std::int64_t channels, cudaStream_t stream) {
  return with_packets(element, {x, y}, {channels}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    Resize<T, n> op;
    op.x = static_cast<const P*>(x);
    op.y = static_cast<P*>(y);
    op.pixels = new_height * new_width;
    op.columns = channels / n;
    op.method = method;
    op.height = static_cast<unsigned>(height);
    op.width = static_cast<unsigned>(width);
    op.new_height = static_cast<unsigned>(new_height);
    op.new_width = static_cast<unsigned>(new_width);
    op.scale_y = static_cast<float>(height) / static_cast<float>(new_height);
    op.scale_x = static_cast<float>(width) / static_cast<float>(new_width);
    return launch_tiles(op, samples, op.pixels, op.columns, stream);
  });
}

}  // namespace obscura::backend::cuda
