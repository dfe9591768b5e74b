#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "io/animation.h"
#include "io/png.h"

namespace obscura::io {
namespace {

constexpr std::size_t kPngSignature = 8, kChunkFrame = 12;  // length, type and checksum

std::string network_order(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string chunk_of(std::string_view type, const std::string& body) {
  const std::string content = std::string(type) + body;
  const auto sum = static_cast<std::uint32_t>(::crc32_z(
      ::crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(content.data()), content.size()));
  return network_order(static_cast<std::uint32_t>(body.size()), 4) + content +
         network_order(sum, 4);
}

// What the chunks of one frame become in the whole.
class Animation {
 public:
  Animation(const Shape& shape, int milliseconds) : shape_(shape), milliseconds_(milliseconds) {}

  // `png` is an image that libpng wrote. The first brings all that is not pixels.
  void add(std::string_view png, bool first) {
    if (first) file_ = png.substr(0, kPngSignature);
    bool begun = false;
    for (std::size_t at = kPngSignature; at + kChunkFrame <= png.size();) {
      std::uint32_t length = 0;
      for (char c : png.substr(at, 4)) length = length << 8 | static_cast<unsigned char>(c);
      const std::string_view chunk = png.substr(at, length + kChunkFrame);
      const std::string_view type = chunk.substr(4, 4);
      at += chunk.size();
      if (type == "IEND") return;
      if (type == "IDAT" && !std::exchange(begun, true)) file_ += frame_control();
      if (type == "IDAT" && !first) {
        file_ +=
            chunk_of("fdAT", network_order(sequence_++, 4) + std::string(chunk.substr(8, length)));
      } else if (first) {
        file_ += chunk;
      }
      if (first && type == "IHDR")
        file_ += chunk_of("acTL", network_order(static_cast<std::uint32_t>(shape_[0]), 4) +
                                      network_order(0, 4));  // over and over
    }
  }
  std::string finish() { return std::move(file_) + chunk_of("IEND", ""); }

 private:
  // The whole image, shown for so many thousandths, replacing what was there.
  std::string frame_control() {
    return chunk_of("fcTL", network_order(sequence_++, 4) +
                                network_order(static_cast<std::uint32_t>(shape_[2]), 4) +
                                network_order(static_cast<std::uint32_t>(shape_[1]), 4) +
                                network_order(0, 4) + network_order(0, 4) +
                                network_order(static_cast<std::uint32_t>(milliseconds_), 2) +
                                network_order(1000, 2) + network_order(0, 2));
  }

  const Shape& shape_;
  int milliseconds_;
  std::uint32_t sequence_ = 0;
  std::string file_;
};

}  // namespace

Result<std::vector<std::byte>> encode_animated_png(const Tensor& frames,
                                                   const ImageMetadata& metadata, int milliseconds,
                                                   int compression) {
  const Shape& s = frames.shape();
  OBSCURA_CHECK(s.rank() == 4 && s[0] > 0, "an animation wants (B, H, W, C), got " + s.text());
  OBSCURA_CHECK(milliseconds >= 1 && milliseconds <= 65535, "APNG holds 16 bits of a delay");
  Animation animation(s, milliseconds);
  for (std::int64_t i = 0; i < s[0]; ++i) {
    OBSCURA_ASSIGN(std::vector<std::byte> png,
                   encode_png(frames.slice(i).reshaped({s[1], s[2], s[3]}),
                              i == 0 ? metadata : ImageMetadata(), {.compression = compression}));
    animation.add({reinterpret_cast<const char*>(png.data()), png.size()}, i == 0);
  }
  const std::string file = animation.finish();
  const auto* begin = reinterpret_cast<const std::byte*>(file.data());
  return std::vector<std::byte>(begin, begin + file.size());
}

}  // namespace obscura::io
