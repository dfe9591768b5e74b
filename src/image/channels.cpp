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

Tensor channel(const Tensor& images, std::int64_t index) {
  const Shape& s = images.shape();
  Tensor mask(Shape{s[0], s[1], s[2]});
  for (std::int64_t i = 0; i < mask.elements(); ++i)
    mask.data()[i] = images.data()[i * s[3] + index];
  return mask;
}

Tensor gray(const Tensor& mask) {
  const Shape& s = mask.shape();
  Tensor images(Shape{s[0], s[1], s[2], 3});
  for (std::int64_t i = 0; i < mask.elements(); ++i)
    std::fill_n(images.data() + i * 3, 3, mask.data()[i]);
  return images;
}

Tensor inverted(const Tensor& values) {
  Tensor result = values.clone();
  for (float& value : result.values()) value = 1 - value;
  return result;
}

Tensor canvas(const Shape& shape, const Colour& colour) {
  Tensor result(shape);
  const std::int64_t channels = shape[3];
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    auto channel = static_cast<std::size_t>(i % channels);
    result.data()[i] = channel < colour.size() ? colour[channel] : 1;
  }
  return result;
}

Tensor centred(const Tensor& image, std::int64_t height, std::int64_t width, float level) {
  const Shape& s = image.shape();
  if (s[1] == height && s[2] == width) return image;
  Tensor result = Tensor::filled({s[0], height, width, s[3]}, level);
  paste(image, result, (width - s[2]) / 2, (height - s[1]) / 2);
  return result;
}

}  // namespace obscura::image
