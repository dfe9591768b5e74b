#include "io/webp.h"

#include <webp/decode.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "io/exif.h"
#include "io/samples.h"

namespace obscura::io {
namespace {

const std::uint8_t* data_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

// The body of the first chunk of a type in the RIFF container; empty if there is none.
std::span<const std::byte> webp_chunk(std::span<const std::byte> bytes, std::string_view wanted) {
  constexpr std::size_t kContainerHeader = 12, kChunkHeader = 8;
  if (bytes.size() < kContainerHeader) return {};
  bytes = bytes.subspan(kContainerHeader);
  while (bytes.size() >= kChunkHeader) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i)
      size |= std::to_integer<std::size_t>(bytes[4 + i]) << (8 * i);
    std::string_view type(reinterpret_cast<const char*>(bytes.data()), 4);
    bytes = bytes.subspan(kChunkHeader);
    if (size > bytes.size()) return {};
    if (type == wanted) return bytes.first(size);
    bytes =
        bytes.subspan(std::min(size + size % 2, bytes.size()));  // chunks are padded to even sizes
  }
  return {};
}

Result<WebPBitstreamFeatures> read_features(std::span<const std::byte> bytes) {
  WebPBitstreamFeatures features;
  VP8StatusCode status = WebPGetFeatures(data_of(bytes), bytes.size(), &features);
  if (status == VP8_STATUS_NOT_ENOUGH_DATA) {
    return Error(ErrorKind::kCorrupt, "the file is truncated: it ends within its header");
  }
  if (status != VP8_STATUS_OK)
    return Error(ErrorKind::kCorrupt, "the header of the WebP picture is damaged");
  return features;
}

Result<Tensor> read_pixels(std::span<const std::byte> bytes) {
  OBSCURA_ASSIGN(WebPBitstreamFeatures features, read_features(bytes));
  if (features.has_animation) {
    return Error(ErrorKind::kUnsupported, "wants a still picture, found an animated WebP");
  }
  OBSCURA_TRY(check_image_size(static_cast<std::uint64_t>(features.width),
                               static_cast<std::uint64_t>(features.height)));
  const int channels = features.has_alpha ? 4 : 3;
  const int stride = features.width * channels;
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(stride) *
                                    static_cast<std::size_t>(features.height));
  auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (!decode(data_of(bytes), bytes.size(), samples.data(), samples.size(), stride)) {
    return Error(ErrorKind::kCorrupt, "the WebP picture is damaged or truncated");
  }
  return unit_floats(samples, {features.height, features.width, channels});
}

}  // namespace

Result<Image> decode_webp(std::span<const std::byte> bytes, const std::string& name) {
  auto pixels = read_pixels(bytes);
  if (!pixels.ok()) return pixels.error().in(name);
  Exif exif = read_exif(webp_chunk(bytes, "EXIF"));
  const auto profile = webp_chunk(bytes, "ICCP");
  return Image{turned_upright(*pixels, exif.orientation),
               std::move(exif.texts),
               {profile.begin(), profile.end()}};
}

Result<ImageMetadata> decode_webp_metadata(std::span<const std::byte> bytes,
                                           const std::string& name) {
  auto features = read_features(bytes);
  if (!features.ok()) return features.error().in(name);
  return read_exif(webp_chunk(bytes, "EXIF")).texts;
}

}  // namespace obscura::io
