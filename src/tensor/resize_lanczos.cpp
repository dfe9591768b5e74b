#include "tensor/resize_lanczos.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/parallel_parts.h"

namespace obscura {
namespace {

using Byte = std::uint8_t;

constexpr double kSupport = 3;  // of the kernel, in pixels of the coarser grid
constexpr int kFractionBits =
    22;  // of the fixed-point weights: 32 bits less 8 for the pixel and 2 for overshoot

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) {
  return -kSupport <= x && x < kSupport ? sinc(x) * sinc(x / kSupport) : 0;
}

// The old pixels `begin` … begin + weights.size() - 1 that make a new one.
struct Window {
  std::int64_t begin;
  std::vector<std::int32_t> weights;  // fixed point, together about 2^kFractionBits
};

std::vector<Window> windows(std::int64_t from, std::int64_t to) {
  double scale = static_cast<double>(from) / static_cast<double>(to);
  double stretch = std::max(scale, 1.0);  // the kernel widens when shrinking: antialiasing
  double support = kSupport * stretch;
  std::vector<Window> result;
  for (std::int64_t i = 0; i < to; ++i) {
    double center = (static_cast<double>(i) + 0.5) * scale;
    auto begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    auto end = std::min(from, static_cast<std::int64_t>(center + support + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t k = begin; k < end; ++k) {
      weights.push_back(lanczos((static_cast<double>(k) - center + 0.5) / stretch));
      sum += weights.back();
    }
    Window window{begin, {}};
    for (double weight : weights) {
      double fixed = weight / sum * (1 << kFractionBits);
      window.weights.push_back(static_cast<std::int32_t>(fixed + std::copysign(0.5, fixed)));
    }
    result.push_back(std::move(window));
  }
  return result;
}

Byte pixel_of(std::int32_t sum) {
  return static_cast<Byte>(std::clamp(sum >> kFractionBits, 0, 255));
}

// One line of new pixels along an axis whose old pixels are `stride` apart.
void resample_line(const Byte* source, std::int64_t stride, const std::vector<Window>& axis,
                   Byte* target, std::int64_t target_stride) {
  for (const Window& window : axis) {
    std::int32_t sum = 1 << (kFractionBits - 1);  // rounds
    const Byte* pixel = source + window.begin * stride;
    for (std::int32_t weight : window.weights) {
      sum += weight * *pixel;
      pixel += stride;
    }
    *target = pixel_of(sum);
    target += target_stride;
  }
}

// One plane. Columns first, kept in bytes between; an axis that keeps its size is left alone.
std::vector<Byte> resample_plane(std::vector<Byte> plane, std::int64_t old_width,
                                 std::int64_t old_height, std::int64_t width, std::int64_t height) {
  if (width != old_width) {
    std::vector<Byte> resized(static_cast<std::size_t>(width * old_height));
    auto axis = windows(old_width, width);
    for (std::int64_t y = 0; y < old_height; ++y) {
      resample_line(plane.data() + y * old_width, 1, axis, resized.data() + y * width, 1);
    }
    plane = std::move(resized);
  }
  if (height != old_height) {
    std::vector<Byte> resized(static_cast<std::size_t>(width * height));
    auto axis = windows(old_height, height);
    for (std::int64_t x = 0; x < width; ++x) {
      resample_line(plane.data() + x, width, axis, resized.data() + x, width);
    }
    plane = std::move(resized);
  }
  return plane;
}

}  // namespace

Tensor resize_lanczos(const Tensor& planes, std::int64_t width, std::int64_t height) {
  Shape shape = planes.shape();
  std::int64_t old_height = shape[2], old_width = shape[3];
  shape.set(2, height);
  shape.set(3, width);
  Tensor result(shape);
  parallel_for_parts(
      shape[0] * shape[1], planes.elements() + result.elements(), [&](std::int64_t index) {
        std::vector<Byte> plane(static_cast<std::size_t>(old_width * old_height));
        const float* source = planes.data() + index * old_width * old_height;
        std::transform(source, source + plane.size(), plane.begin(), [](float value) {
          return static_cast<Byte>(value > 0 ? std::min(255.0f * value, 255.0f) : 0.0f);
        });
        plane = resample_plane(std::move(plane), old_width, old_height, width, height);
        std::transform(plane.begin(), plane.end(), result.data() + index * width * height,
                       [](Byte value) { return static_cast<float>(value) / 255.0f; });
      });
  return result;
}

}  // namespace obscura
