// TIFF images, by libtiff: what print and retouching exchange.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::io {

bool is_tiff(std::span<const std::byte> bytes);

// The first image of a file: 8 and 16 bits, float16 and float32, gray, RGB, and alpha; other
// kinds as far as libtiff turns them into 8-bit RGB. Float samples are clipped to 0…1. The texts
// are those that encode_tiff() wrote, else the description. Errors as decode_image().
Result<Image> decode_tiff(std::span<const std::byte> bytes, const std::string& name);
// All images of a file. Errors as decode_frames().
Result<std::vector<Image>> decode_tiff_pages(std::span<const std::byte> bytes,
                                             const std::string& name);
Result<ImageMetadata> decode_tiff_metadata(std::span<const std::byte> bytes,
                                           const std::string& name);

enum class TiffSample { kUint8, kUint16, kFloat32 };

struct TiffOptions {
  TiffSample sample = TiffSample::kUint16;
  std::span<const std::byte> profile = {};  // ICC's, in which `pixels` are; empty: none is written
};

// `pixels` is (H, W, 3) or (H, W, 4), alpha not premultiplied; LZW without loss. The texts go into
// the description as one JSON object. REQUIRES: that shape. kIo if libtiff refuses.
Result<std::vector<std::byte>> encode_tiff(const Tensor& pixels, const ImageMetadata& metadata,
                                           const TiffOptions& options = {});

}  // namespace obscura::io
