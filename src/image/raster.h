// Arithmetic on rasters (B, C, H, W) that latents and images have in common. Images come as
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

// The middle of images (B, H, W, C) or masks (B, H, W), whose sides become multiples of `multiple`:
// as much is left out at one side as at the other. A copy, even where nothing is left out.
Tensor whole_pixels(const Tensor& images, std::int64_t multiple);

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

}  // namespace obscura::image
