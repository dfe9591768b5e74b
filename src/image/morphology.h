// What is light in an image, grown and shrunk.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace obscura::image {

// Images (B, H, W, C) after "erode", "dilate", "open", "close", "gradient", "bottom_hat" or
// "top_hat" with a square window of `size` pixels; whatever lies outside an image does not count.
Tensor morphology(const Tensor& images, const std::string& operation, std::int64_t size);

}  // namespace obscura::image
