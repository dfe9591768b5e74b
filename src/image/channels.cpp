#include "image/channels.h"

#include <algorithm>

namespace obscura::image {

Tensor with_channels(const Tensor& image, std::int64_t wanted) {
  const Shape& s = image.shape();
  if (s[3] == wanted) return image;
  Tensor result = Tensor::filled({s[0], s[1], s[2], wanted}, 1);
  for (std::int64_t i = 0; i < s[0] * s[1] * s[2]; ++i)
    std::copy_n(image.data() + i * s[3], std::min(s[3], wanted), result.data() + i * wanted);
  return result;
}

std::pair<Tensor, Tensor> with_equal_channels(const Tensor& first, const Tensor& second) {
  const std::int64_t channels = std::max(first.shape()[3], second.shape()[3]);
  return {with_channels(first, channels), with_channels(second, channels)};
}

void paste(const Tensor& image, Tensor& canvas, std::int64_t x, std::int64_t y) {
  const Shape &s = image.shape(), &c = canvas.shape();
  for (std::int64_t row = 0; row < s[0] * s[1]; ++row) {
    std::copy_n(image.data() + row * s[2] * s[3], s[2] * s[3],
                canvas.data() + ((row / s[1] * c[1] + y + row % s[1]) * c[2] + x) * c[3]);
  }
}

}  // namespace obscura::image
