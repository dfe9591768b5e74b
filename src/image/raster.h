// Arithmetic on rasters (B, C, H, W) that latents and pictures have in common. Pictures come as
// (B, H, W, C): planes_of_image() and image_of_planes() turn them.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace obscura::image {

// By quarter turns clockwise.
Tensor rotated(const Tensor& planes, int quarter_turns);
// Upside down, or left to right.
Tensor flipped(const Tensor& planes, bool upside_down);
// How often ComfyUI's "90 degrees" turns; "none" is 0.
int quarter_turns(const std::string& rotation);
// "x-axis: vertically" turns upside down.
bool is_upside_down(const std::string& flip_method);

// Rows [y, y + height) and columns [x, x + width), as far as they exist. REQUIRES: x and y inside.
Tensor cropped(const Tensor& planes, std::int64_t x, std::int64_t y, std::int64_t width,
               std::int64_t height);

// A batch of `count`: the first ones, or all again from the start.
Tensor repeated_to(const Tensor& batch, std::int64_t count);

// The same part of every dimension but `axis`, one behind the other. REQUIRES: other sizes equal.
Tensor joined(const Tensor& first, const Tensor& second, int axis);
// `count` entries of an axis from `begin`. REQUIRES: they exist.
Tensor narrowed(const Tensor& tensor, int axis, std::int64_t begin, std::int64_t count);

// Where and how ComfyUI's "composite" puts `source` onto a destination.
struct Placement {
  std::int64_t x = 0, y = 0;  // of its corner, in pixels of the destination; may be negative
  bool resize = false;        // to the destination's size first
};
// `mask` (masks, H, W) of any size, 1 where the source shows; empty: everywhere. Batches that are
// too short repeat.
Tensor composite(const Tensor& destination, Tensor source, const Tensor& mask,
                 const Placement& place);

// A Gaussian over [-1, 1]² that sums to 1, as ComfyUI's blur and sharpen nodes sample it: (2 radius
// + 1) values a side, row by row.
std::vector<float> gaussian_kernel(std::int64_t radius, double sigma);
// Each plane convolved with a square kernel, reflecting at the borders. REQUIRES: radius < H, W.
Tensor convolved(const Tensor& planes, const std::vector<float>& kernel, std::int64_t radius);
// The kernel that sharpens by `alpha`: the identity less a blur.
std::vector<float> sharpening_kernel(std::int64_t radius, double sigma, double alpha);

}  // namespace obscura::image
