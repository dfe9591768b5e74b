// WebP pictures, by libwebp.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"
#include "io/image.h"

namespace obscura::io {

// Lossy or lossless, with or without alpha; animations are kUnsupported. Errors as decode_image().
Result<Image> decode_webp(std::span<const std::byte> bytes, const std::string& name);
// The texts of EXIF.
Result<ImageMetadata> decode_webp_metadata(std::span<const std::byte> bytes,
                                           const std::string& name);

}  // namespace obscura::io
