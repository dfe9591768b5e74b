// What must hold for any bytes given to the image readers.
#pragma once

#include <cstddef>
#include <span>

#include "base/check.h"
#include "io/image.h"
#include "io/text_encoding.h"

namespace obscura::fuzz {

inline void check_pixels(const io::Image& image) {
  const Shape& shape = image.pixels.shape();
  OBSCURA_CHECK(shape.rank() == 3 && shape.elements() > 0 && (shape[2] == 3 || shape[2] == 4),
                "no image has the shape " + shape.text());
  for (float value : image.pixels.values())
    OBSCURA_CHECK(value >= 0 && value <= 1, "a sample outside 0…1");
}

// Throws InternalError, or trips a sanitizer, if a reader hands out what no image is. Returns
// whether it accepted.
inline bool fuzz_image(std::span<const std::byte> input) {
  auto metadata = io::decode_metadata(input, "input");
  auto image = io::decode_image(input, "input");
  if (!image.ok()) {
    OBSCURA_CHECK(!image.error().message().empty(), "an error without a message");
    return false;
  }
  OBSCURA_CHECK(metadata.ok(), "an image decodes but its texts do not");
  OBSCURA_CHECK(*metadata == image->metadata, "the texts depend on whether the pixels are decoded");
  for (const io::TextEntry& entry : *metadata) {
    OBSCURA_CHECK(io::is_utf8(entry.key) && io::is_utf8(entry.text), "a text is not UTF-8");
  }
  check_pixels(*image);
  const auto frames = io::decode_frames(input, "input");
  if (!frames.ok()) return true;  // a later one is damaged
  OBSCURA_CHECK(!frames->empty(), "a file without images");
  for (const io::Image& frame : *frames) check_pixels(frame);
  OBSCURA_CHECK(frames->front().pixels.shape() == image->pixels.shape(),
                "the first of all is not the one");
  return true;
}

}  // namespace obscura::fuzz
