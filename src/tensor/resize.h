// Resizing of images and latents, with the methods and the numbers of ComfyUI's common_upscale.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tensor/tensor.h"

namespace obscura {

enum class ResizeMethod {
  kNearestExact,  // the pixel under each new pixel's centre
  kBilinear,  // without antialiasing, as PyTorch's interpolate: pixels are skipped when shrinking
  kArea,      // the mean of the pixels that each new pixel touches
  kBicubic,   // Keys' kernel with a = -0.75, without antialiasing
  kLanczos,   // Pillow's, with antialiasing, in 8 bits: values are clipped to 0…1 and become
              // multiples of 1/255
  kBislerp,   // spherical interpolation of the channels as vectors; for latents
  kNearest,   // PyTorch's plain "nearest", the pixel under each new pixel's first corner: inside
              // networks, and no name for it
};

// ComfyUI's names: "nearest-exact", "bilinear", "area", "bicubic", "lanczos", "bislerp".
std::optional<ResizeMethod> resize_method_from_name(std::string_view name);

enum class ResizeCrop {
  kDisabled,  // stretches
  kCenter,    // cuts the longer side to the new proportions first
};

// `planes` is (B, C, H, W); returns (B, C, height, width). REQUIRES: rank 4, no size 0, width and
// height at least 1.
Tensor resize(const Tensor& planes, std::int64_t width, std::int64_t height, ResizeMethod method,
              ResizeCrop crop = ResizeCrop::kDisabled);

// The same for images: (B, H, W, C) in, (B, height, width, C) out.
Tensor resize_image(const Tensor& image, std::int64_t width, std::int64_t height,
                    ResizeMethod method, ResizeCrop crop = ResizeCrop::kDisabled);

// (B, H, W, C) to (B, C, H, W), and back. REQUIRES: rank 4.
Tensor planes_of_image(const Tensor& image);
Tensor image_of_planes(const Tensor& planes);

}  // namespace obscura
