// Blurring and sharpening by convolution.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace obscura::image {

// A Gaussian over [-1, 1]² that sums to 1, as ComfyUI's blur and sharpen nodes sample it: (2 radius
// + 1) values a side, row by row.
std::vector<float> gaussian_kernel(std::int64_t radius, double sigma);
// Each plane convolved with a square kernel, reflecting at the borders. REQUIRES: radius < H, W.
Tensor convolved(const Tensor& planes, const std::vector<float>& kernel, std::int64_t radius);
// The kernel that sharpens by `alpha`: the identity less a blur.
std::vector<float> sharpening_kernel(std::int64_t radius, double sigma, double alpha);

}  // namespace obscura::image
