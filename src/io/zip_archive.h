// What a zip file holds, without unpacking it: PyTorch stores its tensors uncompressed, so that
// they can be used where they are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace obscura::io {

struct ZipMember {
  std::string name;
  bool stored = false;               // neither compressed nor encrypted
  std::span<const std::byte> bytes;  // of a stored member: inside the archive; else empty
};

// In the order of the archive's directory, which is read by minizip. kCorrupt if the bytes are not
// a zip file, or a member lies outside them.
Result<std::vector<ZipMember>> read_zip(std::span<const std::byte> bytes);

}  // namespace obscura::io
