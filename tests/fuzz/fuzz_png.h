// What must hold for any bytes given to the PNG reader, behind the checksums too.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/fuzz_image.h"

namespace obscura::fuzz {

// The input with each chunk's checksum made right: else nearly every change ends at one.
inline std::vector<std::byte> with_right_checksums(std::span<const std::byte> input) {
  std::vector<std::byte> png(input.begin(), input.end());
  for (std::size_t offset = 8; offset + 12 <= png.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length = length << 8 | std::to_integer<std::size_t>(png[offset + i]);
    if (length > png.size() - offset - 12) break;
    auto summed = reinterpret_cast<const Bytef*>(png.data() + offset + 4);
    auto sum = static_cast<std::uint32_t>(::crc32_z(0, summed, length + 4));
    for (std::size_t i = 0; i < 4; ++i) {
      png[offset + 8 + length + i] = static_cast<std::byte>(sum >> (24 - 8 * i));
    }
    offset += length + 12;
  }
  return png;
}

// As fuzz_image(), on the input as it is and with right checksums. Returns whether either was
// accepted.
inline bool fuzz_png(std::span<const std::byte> input) {
  bool accepted = fuzz_image(input);
  return fuzz_image(with_right_checksums(input)) || accepted;
}

}  // namespace obscura::fuzz
