#include "tensor/resize_bislerp.h"

#include <algorithm>
#include <cmath>

#include "tensor/parallel_parts.h"

namespace obscura {
namespace {

// A vector of channels within planes: elements lie `stride` apart.
struct Channels {
  const float* data;
  std::int64_t count;
  std::int64_t stride;

  float operator[](std::int64_t c) const { return data[c * stride]; }
  double norm() const {
    double sum = 0;
    for (std::int64_t c = 0; c < count; ++c) sum += static_cast<double>((*this)[c]) * (*this)[c];
    return std::sqrt(sum);
  }
};

struct Weights {
  double from, to;
};

// The direction goes along the great circle, the length linearly. Nearly equal vectors give the
// first, nearly opposite ones the straight line between them; a zero vector has no direction and
// counts as orthogonal.
Weights slerp_weights(const Channels& from, const Channels& to, double share) {
  double from_norm = from.norm(), to_norm = to.norm();
  double from_scale = from_norm > 0 ? 1 / from_norm : 0, to_scale = to_norm > 0 ? 1 / to_norm : 0;
  double dot = 0;
  for (std::int64_t c = 0; c < from.count; ++c) dot += static_cast<double>(from[c]) * to[c];
  dot *= from_scale * to_scale;
  if (dot > 1 - 1e-5) return {1, 0};
  if (dot < 1e-5 - 1) return {1 - share, share};
  double angle = std::acos(dot);
  double length = (from_norm * (1 - share) + to_norm * share) / std::sin(angle);
  return {length * std::sin((1 - share) * angle) * from_scale,
          length * std::sin(share * angle) * to_scale};
}

// Resamples axis 3, along each row, or axis 2, along each column, to `to` positions.
Tensor resample(const Tensor& planes, int axis, std::int64_t to) {
  const Shape& old = planes.shape();
  Shape shape = old;
  shape.set(axis, to);
  Tensor result(shape);
  std::int64_t from = old[axis], channels = old[1];
  std::int64_t stride = axis == 3 ? 1 : old[3], lines = axis == 3 ? old[2] : old[3];
  std::int64_t line_stride = axis == 3 ? from : 1, new_line_stride = axis == 3 ? to : 1;
  std::int64_t plane = old[2] * old[3], new_plane = shape[2] * shape[3];
  float scale = static_cast<float>(from) / static_cast<float>(to);
  parallel_for_parts(old[0] * to, planes.elements() + result.elements(), [&](std::int64_t job) {
    std::int64_t batch = job / to, i = job % to;
    // float32, as PyTorch interpolates the coordinates.
    float position = std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
    std::int64_t low = std::min(static_cast<std::int64_t>(position), from - 1);
    std::int64_t high = std::min(low + 1, from - 1);
    double share = low == high ? 0 : position - static_cast<float>(low);
    for (std::int64_t line = 0; line < lines; ++line) {
      const float* source = planes.data() + batch * channels * plane + line * line_stride;
      Channels first{source + low * stride, channels, plane},
          second{source + high * stride, channels, plane};
      Weights weights = slerp_weights(first, second, share);
      float* target =
          result.data() + batch * channels * new_plane + line * new_line_stride + i * stride;
      for (std::int64_t c = 0; c < channels; ++c) {
        target[c * new_plane] =
            static_cast<float>(weights.from * first[c] + weights.to * second[c]);
      }
    }
  });
  return result;
}

}  // namespace

Tensor resize_bislerp(const Tensor& planes, std::int64_t width, std::int64_t height) {
  return resample(resample(planes, 3, width), 2, height);
}

}  // namespace obscura
