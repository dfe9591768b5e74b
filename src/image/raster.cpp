#include "image/raster.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "tensor/resize.h"

namespace obscura::image {

Tensor rotated(const Tensor& planes, int quarter_turns) {
  const Shape& s = planes.shape();
  const std::int64_t h = s[2], w = s[3];
  const int turns = quarter_turns % 4;
  if (turns == 0) return planes;
  Shape shape = s;
  if (turns != 2) {
    shape.set(2, w);
    shape.set(3, h);
  }
  Tensor result(shape);
  for (std::int64_t p = 0; p < s[0] * s[1]; ++p) {
    const float* from = planes.data() + p * h * w;
    float* to = result.data() + p * h * w;
    for (std::int64_t y = 0; y < h; ++y) {
      for (std::int64_t x = 0; x < w; ++x) {
        std::int64_t place = turns == 1   ? x * h + (h - 1 - y)
                             : turns == 2 ? (h - 1 - y) * w + (w - 1 - x)
                                          : (w - 1 - x) * h + y;
        to[place] = from[y * w + x];
      }
    }
  }
  return result;
}

Tensor flipped(const Tensor& planes, bool upside_down) {
  const Shape& s = planes.shape();
  Tensor result(s);
  for (std::int64_t row = 0; row < s[0] * s[1] * s[2]; ++row) {
    std::int64_t y = row % s[2];
    std::int64_t from_row = upside_down ? row - y + (s[2] - 1 - y) : row;
    const float* from = planes.data() + from_row * s[3];
    float* to = result.data() + row * s[3];
    if (upside_down)
      std::copy_n(from, s[3], to);
    else
      std::reverse_copy(from, from + s[3], to);
  }
  return result;
}

int quarter_turns(const std::string& rotation) {
  if (rotation.starts_with("90")) return 1;
  if (rotation.starts_with("180")) return 2;
  return rotation.starts_with("270") ? 3 : 0;
}

bool is_upside_down(const std::string& flip_method) {
  return flip_method.starts_with('x');
}

Tensor narrowed(const Tensor& tensor, int axis, std::int64_t begin, std::int64_t count) {
  const Shape& s = tensor.shape();
  Shape shape = s;
  shape.set(axis, count);
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < s.rank(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : s[i];
  Tensor result(shape);
  for (std::int64_t o = 0; o < outer; ++o) {
    std::copy_n(tensor.data() + (o * s[axis] + begin) * inner, count * inner,
                result.data() + o * count * inner);
  }
  return result;
}

Tensor joined(const Tensor& first, const Tensor& second, int axis) {
  const Shape &a = first.shape(), &b = second.shape();
  Shape shape = a;
  shape.set(axis, a[axis] + b[axis]);
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < a.rank(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : a[i];
  Tensor result(shape);
  float* to = result.data();
  for (std::int64_t o = 0; o < outer; ++o) {
    to = std::copy_n(first.data() + o * a[axis] * inner, a[axis] * inner, to);
    to = std::copy_n(second.data() + o * b[axis] * inner, b[axis] * inner, to);
  }
  return result;
}

Tensor cropped(const Tensor& planes, std::int64_t x, std::int64_t y, std::int64_t width,
               std::int64_t height) {
  const Shape& s = planes.shape();
  return narrowed(narrowed(planes, 2, y, std::min(height, s[2] - y)), 3, x,
                  std::min(width, s[3] - x));
}

Tensor repeated_to(const Tensor& batch, std::int64_t count) {
  std::int64_t have = batch.shape()[0];
  if (have == count) return batch;
  if (have > count) return batch.slice(0, count);
  auto times = static_cast<std::size_t>((count + have - 1) / have);
  return concatenate(std::vector<Tensor>(times, batch)).slice(0, count);
}

Tensor composite(const Tensor& destination, Tensor source, const Tensor& mask,
                 const Placement& place) {
  const Shape& d = destination.shape();
  if (place.resize) source = resize(source, d[3], d[2], ResizeMethod::kBilinear);
  source = repeated_to(source, d[0]);
  const Shape s = source.shape();
  Tensor weights;
  if (!mask.empty()) {
    const Shape& m = mask.shape();
    weights = repeated_to(
        resize(mask.reshaped({m[0], 1, m[1], m[2]}), s[3], s[2], ResizeMethod::kBilinear), d[0]);
  }
  Tensor result = destination.clone();
  const std::int64_t first_y = std::max<std::int64_t>(0, -place.y);
  const std::int64_t first_x = std::max<std::int64_t>(0, -place.x);
  const std::int64_t end_y = std::min(s[2], d[2] - place.y), end_x = std::min(s[3], d[3] - place.x);
  for (std::int64_t p = 0; p < d[0] * d[1]; ++p) {
    for (std::int64_t y = first_y; y < end_y; ++y) {
      const float* from = source.data() + (p * s[2] + y) * s[3];
      const float* weight =
          weights.empty() ? nullptr : weights.data() + (p / d[1] * s[2] + y) * s[3];
      float* to = result.data() + (p * d[2] + place.y + y) * d[3] + place.x;
      for (std::int64_t x = first_x; x < end_x; ++x) {
        float share = weight == nullptr ? 1 : weight[x];
        to[x] = share * from[x] + (1 - share) * to[x];
      }
    }
  }
  return result;
}

std::vector<float> gaussian_kernel(std::int64_t radius, double sigma) {
  const std::int64_t size = 2 * radius + 1;
  auto at = [&](std::int64_t i) {
    return radius == 0 ? -1.0 : -1 + static_cast<double>(i) / static_cast<double>(radius);
  };
  std::vector<double> values;
  double sum = 0;
  for (std::int64_t y = 0; y < size; ++y) {
    for (std::int64_t x = 0; x < size; ++x) {
      values.push_back(std::exp(-(at(x) * at(x) + at(y) * at(y)) / (2 * sigma * sigma)));
      sum += values.back();
    }
  }
  for (double& value : values) value /= sum;
  return {values.begin(), values.end()};
}

std::vector<float> sharpening_kernel(std::int64_t radius, double sigma, double alpha) {
  std::vector<float> kernel = gaussian_kernel(radius, sigma);
  for (float& value : kernel) value *= static_cast<float>(-10 * alpha);
  double sum = 0;
  for (float value : kernel) sum += value;
  kernel[kernel.size() / 2] += static_cast<float>(1 - sum);
  return kernel;
}

Tensor convolved(const Tensor& planes, const std::vector<float>& kernel, std::int64_t radius) {
  const Shape& s = planes.shape();
  const std::int64_t h = s[2], w = s[3], size = 2 * radius + 1;
  auto reflected = [](std::int64_t i, std::int64_t length) {
    if (i < 0) i = -i;
    return i < length ? i : 2 * (length - 1) - i;
  };
  Tensor result(s);
  parallel_for(s[0] * s[1] * h, [&](std::int64_t row) {
    const float* plane = planes.data() + row / h * h * w;
    const std::int64_t y = row % h;
    for (std::int64_t x = 0; x < w; ++x) {
      double sum = 0;
      for (std::int64_t ky = 0; ky < size; ++ky) {
        const float* line = plane + reflected(y + ky - radius, h) * w;
        const float* weights = kernel.data() + ky * size;
        for (std::int64_t kx = 0; kx < size; ++kx)
          sum += weights[kx] * line[reflected(x + kx - radius, w)];
      }
      result.data()[row * w + x] = static_cast<float>(sum);
    }
  });
  return result;
}

}  // namespace obscura::image
