#include "image/yuv.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "image/channels.h"
#include "tensor/tensor.h"

namespace obscura::image {
namespace {

float mean_channel(const Tensor& image, std::int64_t pixel) {
  const std::int64_t channels = image.shape()[3];
  float sum = 0;
  for (std::int64_t c = 0; c < channels; ++c) sum += image.data()[pixel * channels + c];
  return sum / static_cast<float>(channels);
}

}  // namespace

std::array<Tensor, 3> to_yuv(const Tensor& rgb_or_rgba) {
  const Tensor image = with_channels(rgb_or_rgba, 3);
  std::array<Tensor, 3> parts;
  for (Tensor& part : parts) part = Tensor(image.shape());
  for (std::int64_t i = 0; i < image.elements(); i += 3) {
    const float* rgb = image.data() + i;
    float y = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    const float yuv[] = {y, (rgb[2] - y) * 0.564f + 0.5f, (rgb[0] - y) * 0.713f + 0.5f};
    for (std::size_t k = 0; k < 3; ++k) std::fill_n(parts[k].data() + i, 3, yuv[k]);
  }
  return parts;
}

Tensor from_yuv(const Tensor& y, const Tensor& u, const Tensor& v) {
  const Shape& s = y.shape();
  Tensor image(Shape{s[0], s[1], s[2], 3});
  for (std::int64_t i = 0; i < s[0] * s[1] * s[2]; ++i) {
    float luma = mean_channel(y, i), blue = mean_channel(u, i) - 0.5f,
          red = mean_channel(v, i) - 0.5f;
    float* rgb = image.data() + i * 3;
    rgb[0] = luma + 1.403f * red;
    rgb[1] = luma - 0.714f * red - 0.344f * blue;
    rgb[2] = luma + 1.773f * blue;
  }
  return image;
}

}  // namespace obscura::image
