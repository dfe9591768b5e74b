#include "tensor/resize.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "tensor/resample_axis.h"
#include "tensor/resize_bislerp.h"
#include "tensor/resize_lanczos.h"

namespace obscura {
namespace {

// The middle of each plane, rounded half to even on both sides as Python does.
Tensor cropped_to_aspect(const Tensor& planes, std::int64_t width, std::int64_t height) {
  std::int64_t old_height = planes.shape()[2], old_width = planes.shape()[3];
  double old_aspect = static_cast<double>(old_width) / static_cast<double>(old_height);
  double aspect = static_cast<double>(width) / static_cast<double>(height);
  auto margin = [](std::int64_t size, double part) {
    auto whole = static_cast<double>(size);
    return static_cast<std::int64_t>(std::nearbyint((whole - whole * part) / 2));
  };
  std::int64_t x = old_aspect > aspect ? margin(old_width, aspect / old_aspect) : 0;
  std::int64_t y = old_aspect < aspect ? margin(old_height, old_aspect / aspect) : 0;
  if (x == 0 && y == 0) return planes;

  Shape shape = planes.shape();
  shape.set(2, old_height - 2 * y);
  shape.set(3, old_width - 2 * x);
  Tensor cropped(shape);
  float* target = cropped.data();
  for (std::int64_t plane = 0; plane < shape[0] * shape[1]; ++plane) {
    for (std::int64_t row = y; row < old_height - y; ++row) {
      const float* source = planes.data() + (plane * old_height + row) * old_width + x;
      target = std::copy_n(source, shape[3], target);
    }
  }
  return cropped;
}

// Where the centre of new pixel i lies between old pixels. In float32, as PyTorch: it decides ties.
float source_position(std::int64_t i, std::int64_t from, std::int64_t to) {
  float scale = static_cast<float>(from) / static_cast<float>(to);
  return scale * (static_cast<float>(i) + 0.5f) - 0.5f;
}

// The pixel under the point of each new pixel that lies so far behind its first corner.
ResampleAxis nearest_axis(std::int64_t from, std::int64_t to, float point) {
  ResampleAxis axis(from, to, 1);
  float scale = static_cast<float>(from) / static_cast<float>(to);
  for (std::int64_t i = 0; i < to; ++i) {
    axis.set(i, 0, static_cast<std::int64_t>(std::floor((static_cast<float>(i) + point) * scale)),
             1);
  }
  return axis;
}

ResampleAxis bilinear_axis(std::int64_t from, std::int64_t to) {
  ResampleAxis axis(from, to, 2);
  for (std::int64_t i = 0; i < to; ++i) {
    float position = std::max(0.0f, source_position(i, from, to));
    auto low = std::min(static_cast<std::int64_t>(position), from - 1);
    float share = position - static_cast<float>(low);
    axis.set(i, 0, low, 1 - share);
    axis.set(i, 1, low + 1, share);
  }
  return axis;
}

ResampleAxis area_axis(std::int64_t from, std::int64_t to) {
  ResampleAxis axis(from, to, from / to + 2);
  for (std::int64_t i = 0; i < to; ++i) {
    std::int64_t begin = i * from / to, end = ((i + 1) * from + to - 1) / to;
    for (std::int64_t k = begin; k < end; ++k)
      axis.set(i, k - begin, k, 1.0f / static_cast<float>(end - begin));
  }
  return axis;
}

// Keys' cubic convolution kernel.
float cubic_weight(float distance) {
  constexpr float kA = -0.75f;
  float d = std::fabs(distance);
  if (d <= 1) return ((kA + 2) * d - (kA + 3)) * d * d + 1;
  return d < 2 ? ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA : 0;
}

ResampleAxis bicubic_axis(std::int64_t from, std::int64_t to) {
  ResampleAxis axis(from, to, 4);
  for (std::int64_t i = 0; i < to; ++i) {
    float position = source_position(i, from, to);
    float low = std::floor(position);
    for (int k = 0; k < 4; ++k) {
      float pixel = low + static_cast<float>(k - 1);
      axis.set(i, k, static_cast<std::int64_t>(pixel), cubic_weight(position - pixel));
    }
  }
  return axis;
}

ResampleAxis make_axis(ResizeMethod method, std::int64_t from, std::int64_t to) {
  switch (method) {
    case ResizeMethod::kNearestExact:
      return nearest_axis(from, to, 0.5f);
    case ResizeMethod::kNearest:
      return nearest_axis(from, to, 0);
    case ResizeMethod::kBilinear:
      return bilinear_axis(from, to);
    case ResizeMethod::kArea:
      return area_axis(from, to);
    case ResizeMethod::kBicubic:
      return bicubic_axis(from, to);
    default:
      OBSCURA_CHECK(false, "not a separable method");
  }
}

// Each of `batch` matrices of rows by columns, transposed: what separates the two layouts of
// images.
Tensor transposed(const Tensor& source, std::int64_t batch, std::int64_t rows, std::int64_t columns,
                  Shape shape) {
  Tensor target(shape);
  for (std::int64_t b = 0; b < batch; ++b) {
    const float* from = source.data() + b * rows * columns;
    float* to = target.data() + b * rows * columns;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column)
        to[column * rows + row] = from[row * columns + column];
    }
  }
  return target;
}

}  // namespace

std::optional<ResizeMethod> resize_method_from_name(std::string_view name) {
  if (name == "nearest-exact") return ResizeMethod::kNearestExact;
  if (name == "bilinear") return ResizeMethod::kBilinear;
  if (name == "area") return ResizeMethod::kArea;
  if (name == "bicubic") return ResizeMethod::kBicubic;
  if (name == "lanczos") return ResizeMethod::kLanczos;
  if (name == "bislerp") return ResizeMethod::kBislerp;
  return std::nullopt;
}

Tensor resize(const Tensor& planes, std::int64_t width, std::int64_t height, ResizeMethod method,
              ResizeCrop crop) {
  OBSCURA_CHECK(planes.shape().rank() == 4 && !planes.empty(),
                "[resize] wants (B, C, H, W), got " + planes.shape().text());
  OBSCURA_CHECK(width >= 1 && height >= 1, "[resize] wants a size, got " + std::to_string(width) +
                                               "x" + std::to_string(height));
  Tensor source = crop == ResizeCrop::kCenter ? cropped_to_aspect(planes, width, height) : planes;
  if (method == ResizeMethod::kLanczos) return resize_lanczos(source, width, height);
  if (method == ResizeMethod::kBislerp) return resize_bislerp(source, width, height);
  Tensor wide = resample_columns(source, make_axis(method, source.shape()[3], width));
  return resample_rows(wide, make_axis(method, source.shape()[2], height));
}

Tensor resize_image(const Tensor& image, std::int64_t width, std::int64_t height,
                    ResizeMethod method, ResizeCrop crop) {
  return image_of_planes(resize(planes_of_image(image), width, height, method, crop));
}

Tensor planes_of_image(const Tensor& image) {
  const Shape& s = image.shape();
  OBSCURA_CHECK(s.rank() == 4, "[resize] wants (B, H, W, C), got " + s.text());
  return transposed(image, s[0], s[1] * s[2], s[3], {s[0], s[3], s[1], s[2]});
}

Tensor image_of_planes(const Tensor& planes) {
  const Shape& s = planes.shape();
  OBSCURA_CHECK(s.rank() == 4, "[resize] wants (B, C, H, W), got " + s.text());
  return transposed(planes, s[0], s[1], s[2] * s[3], {s[0], s[2], s[3], s[1]});
}

}  // namespace obscura
