#include <fmt/format.h>
#include <webp/encode.h>

#include <cstdint>
#include <memory>

#include "io/samples.h"
#include "io/webp.h"

namespace obscura::io {
namespace {

struct FreeWebp {
  void operator()(std::uint8_t* bytes) const { WebPFree(bytes); }
};

}  // namespace

Result<std::vector<std::byte>> encode_webp(const Tensor& pixels, int quality) {
  const std::int64_t height = pixels.shape()[0], width = pixels.shape()[1],
                     channels = pixels.shape()[2];
  OBSCURA_CHECK(channels == 3 || channels == 4, "a picture has three or four channels");
  if (height > WEBP_MAX_DIMENSION || width > WEBP_MAX_DIMENSION) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("WebP holds at most {} pixels a side, found {}x{}", WEBP_MAX_DIMENSION,
                             width, height));
  }
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(height * width * channels));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<std::uint8_t>(quantised(pixels.data()[i], 255));
  std::uint8_t* raw = nullptr;
  const auto encode = channels == 4 ? WebPEncodeRGBA : WebPEncodeRGB;
  const std::size_t size =
      encode(samples.data(), static_cast<int>(width), static_cast<int>(height),
             static_cast<int>(width * channels), static_cast<float>(quality), &raw);
  const std::unique_ptr<std::uint8_t, FreeWebp> bytes(raw);
  if (size == 0) return Error(ErrorKind::kOutOfMemory, "libwebp could not encode the picture");
  const auto* first = reinterpret_cast<const std::byte*>(bytes.get());
  return std::vector<std::byte>(first, first + size);
}

}  // namespace obscura::io
