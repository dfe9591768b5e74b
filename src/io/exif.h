// The few fields of EXIF that matter here: how to turn the picture, and the texts that programs
// hide in it.
#pragma once

#include <cstddef>
#include <span>

#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::io {

struct Exif {
  int orientation = 1;  // 1…8, as in EXIF 2.32, tag 0x0112
  // "ImageDescription" and "UserComment" (where AUTOMATIC1111 keeps its parameters), and what
  // ComfyUI stores in WebP as "prompt:{…}" in tags of other meaning, under the key before the
  // colon.
  ImageMetadata texts;
};

// `tiff` starts with the byte order ("II" or "MM"), or with "Exif\0\0" and then that. EXIF decides
// nothing vital: a damaged block yields what could be read of it.
Exif read_exif(std::span<const std::byte> tiff);

// The picture as it should be looked at: (H, W, C), or (W, H, C) turned by a quarter. REQUIRES: 1
// <= orientation <= 8.
Tensor turned_upright(const Tensor& pixels, int orientation);

}  // namespace obscura::io
