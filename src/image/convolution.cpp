#include "image/convolution.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "tensor/tensor.h"

namespace obscura::image {

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
