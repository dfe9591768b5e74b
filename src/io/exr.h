// OpenEXR images: what compositing exchanges. Their numbers are proportional to light, where all
// other images here are sRGB: they are converted on the way in and out.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::io {

bool is_exr(std::span<const std::byte> bytes);

// Channels R, G, B and A, or Y, of the first part; light beyond 1 is clipped, and primaries other
// than sRGB's are converted. The texts are the file's string attributes. Errors as decode_image(),
// and kUnsupported for a file without these channels.
Result<Image> decode_exr(std::span<const std::byte> bytes, const std::string& name);
Result<ImageMetadata> decode_exr_metadata(std::span<const std::byte> bytes,
                                          const std::string& name);

enum class ExrSample { kHalf, kFloat };

// `pixels` is (H, W, 3) or (H, W, 4), alpha not premultiplied (it is in the file, as OpenEXR wants
// it). ZIP, without loss. The texts become string attributes. REQUIRES: that shape.
Result<std::vector<std::byte>> encode_exr(const Tensor& pixels, const ImageMetadata& metadata,
                                          ExrSample sample = ExrSample::kHalf);

}  // namespace obscura::io
