// The few fields of EXIF that matter here: how to turn the image, and the texts that programs
// hide in it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::io {

struct Exif {
  int orientation = 1;  // 1…8, as in EXIF 2.32, tag 0x0112
  // "ImageDescription"; the UserComment, called "parameters" where it is AUTOMATIC1111's and
  // "UserComment" elsewhere; and what ComfyUI stores in WebP as "prompt:{…}" in tags of other
  // meaning, under the key before the colon.
  ImageMetadata texts;
};

// `tiff` starts with the byte order ("II" or "MM"), or with "Exif\0\0" and then that. EXIF decides
// nothing vital: a damaged block yields what could be read of it.
Exif read_exif(std::span<const std::byte> tiff);

struct ExifBlock {
  std::vector<std::byte> bytes;  // begins with the byte order; empty if there is nothing to say
  std::vector<std::string> left_out;  // keys of the texts that found no place
};

// The texts as other programs look for them: "parameters" as a UserComment in UTF-16, as
// AUTOMATIC1111 writes it; JSON objects as ComfyUI does, "prompt" in the tag Model and others in
// the tags below it. Texts of other kinds have no place, nor has what would make the block larger
// than `limit` bytes: "parameters" comes first, then the others in their order.
ExifBlock write_exif(const ImageMetadata& texts, std::size_t limit);

// The image as it should be looked at: (H, W, C), or (W, H, C) turned by a quarter. REQUIRES: 1
// <= orientation <= 8.
Tensor turned_upright(const Tensor& pixels, int orientation);

}  // namespace obscura::io
