#include "io/webp.h"

#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
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
    return Error(ErrorKind::kCorrupt, "the header of the WebP image is damaged");
  return features;
}

Result<Tensor> read_still(std::span<const std::byte> bytes, const WebPBitstreamFeatures& features) {
  const int channels = features.has_alpha ? 4 : 3;
  const int stride = features.width * channels;
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(stride) *
                                    static_cast<std::size_t>(features.height));
  auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (!decode(data_of(bytes), bytes.size(), samples.data(), samples.size(), stride)) {
    return Error(ErrorKind::kCorrupt, "the WebP image is damaged or truncated");
  }
  return unit_floats(samples, {features.height, features.width, channels});
}

struct DeleteAnimDecoder {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

// An animation's canvas with alpha, as floats; without, where the file says that it has none.
Tensor read_canvas(const std::uint8_t* rgba, const WebPBitstreamFeatures& features) {
  const std::size_t pixels =
      static_cast<std::size_t>(features.width) * static_cast<std::size_t>(features.height);
  if (features.has_alpha)
    return unit_floats(std::span(rgba, pixels * 4), {features.height, features.width, 4});
  std::vector<std::uint8_t> rgb;
  rgb.reserve(pixels * 3);
  for (std::size_t i = 0; i < pixels; ++i) rgb.insert(rgb.end(), rgba + i * 4, rgba + i * 4 + 3);
  return unit_floats(rgb, {features.height, features.width, 3});
}

// The frames as they are shown: each over those before it. `most` of them.
Result<std::vector<Tensor>> read_animation(std::span<const std::byte> bytes,
                                           const WebPBitstreamFeatures& features,
                                           std::uint32_t most) {
  const auto width = static_cast<std::uint64_t>(features.width),
             height = static_cast<std::uint64_t>(features.height);
  // A canvas is as large as it says, however small its frames.
  OBSCURA_TRY(check_image_fill(width, height, bytes.size()));
  const WebPData data = {data_of(bytes), bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, DeleteAnimDecoder> decoder(
      WebPAnimDecoderNew(&data, nullptr));
  const Error damaged(ErrorKind::kCorrupt, "the WebP animation is damaged or truncated");
  WebPAnimInfo info;
  if (decoder == nullptr || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0) return damaged;
  const std::uint32_t count = std::min(info.frame_count, most);
  OBSCURA_TRY(check_image_total(width * height * count));
  std::vector<Tensor> frames;
  while (frames.size() < count) {
    std::uint8_t* rgba = nullptr;
    int until = 0;
    if (WebPAnimDecoderGetNext(decoder.get(), &rgba, &until) == 0) return damaged;
    frames.push_back(read_canvas(rgba, features));
  }
  if (frames.empty()) return damaged;
  return frames;
}

Result<std::vector<Tensor>> read_frames(std::span<const std::byte> bytes, std::uint32_t most) {
  OBSCURA_ASSIGN(WebPBitstreamFeatures features, read_features(bytes));
  OBSCURA_TRY(check_image_size(static_cast<std::uint64_t>(features.width),
                               static_cast<std::uint64_t>(features.height)));
  if (features.has_animation) return read_animation(bytes, features, most);
  OBSCURA_ASSIGN(Tensor pixels, read_still(bytes, features));
  return std::vector<Tensor>{std::move(pixels)};
}

Result<std::vector<Image>> decode_first_frames(std::span<const std::byte> bytes,
                                               const std::string& name, std::uint32_t most) {
  auto frames = read_frames(bytes, most);
  if (!frames.ok()) return frames.error().in(name);
  const Exif exif = read_exif(webp_chunk(bytes, "EXIF"));
  const auto profile = webp_chunk(bytes, "ICCP");
  std::vector<Image> images;
  for (const Tensor& pixels : *frames)
    images.push_back({turned_upright(pixels, exif.orientation), exif.texts,
                      ColourProfile(profile.begin(), profile.end())});
  return images;
}

}  // namespace

Result<Image> decode_webp(std::span<const std::byte> bytes, const std::string& name) {
  OBSCURA_ASSIGN(std::vector<Image> images, decode_first_frames(bytes, name, 1));
  return std::move(images.front());
}

Result<std::vector<Image>> decode_webp_frames(std::span<const std::byte> bytes,
                                              const std::string& name) {
  return decode_first_frames(bytes, name, std::numeric_limits<std::uint32_t>::max());
}

Result<ImageMetadata> decode_webp_metadata(std::span<const std::byte> bytes,
                                           const std::string& name) {
  auto features = read_features(bytes);
  if (!features.ok()) return features.error().in(name);
  return read_exif(webp_chunk(bytes, "EXIF")).texts;
}

}  // namespace obscura::io
