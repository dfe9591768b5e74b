#include "image/raster.h"

#include <algorithm>
#include <vector>

#include "image/mask.h"
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

Tensor whole_pixels(const Tensor& images, std::int64_t multiple) {
  const Shape& s = images.shape();
  auto middle = [&](const Tensor& part, int axis) {
    return narrowed(part, axis, s[axis] % multiple / 2, s[axis] / multiple * multiple);
  };
  return middle(middle(images, 1), 2);
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
    weights = repeated_to(resize_mask(mask, s[2], s[3]), d[0]);
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

}  // namespace obscura::image
