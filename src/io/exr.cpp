#include "io/exr.h"

#include <ImfChannelList.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfIO.h>
#include <ImfInputFile.h>
#include <ImfOutputFile.h>
#include <ImfStringAttribute.h>
#include <half.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace obscura::io {
namespace {

class ExrInput final : public Imf::IStream {
 public:
  explicit ExrInput(std::span<const std::byte> bytes) : Imf::IStream("memory"), bytes_(bytes) {}

  // OpenEXR's streams report by throwing; decode_exr() catches.
  bool read(char target[], int count) override {
    const auto wanted = static_cast<std::size_t>(count);
    if (wanted > bytes_.size() - at_) throw std::runtime_error("it ends too early");
    std::memcpy(target, bytes_.data() + at_, wanted);
    at_ += wanted;
    return at_ < bytes_.size();
  }
  std::uint64_t tellg() override { return at_; }
  void seekg(std::uint64_t place) override {
    if (place > bytes_.size()) throw std::runtime_error("it points beyond its end");
    at_ = place;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

class ExrOutput final : public Imf::OStream {
 public:
  explicit ExrOutput(std::vector<std::byte>& bytes) : Imf::OStream("memory"), bytes_(bytes) {}

  void write(const char source[], int count) override {
    const std::size_t end = at_ + static_cast<std::size_t>(count);
    if (end > bytes_.size()) bytes_.resize(end);
    std::memcpy(bytes_.data() + at_, source, static_cast<std::size_t>(count));
    at_ = end;
  }
  std::uint64_t tellp() override { return at_; }
  void seekp(std::uint64_t place) override { at_ = place; }

 private:
  std::vector<std::byte>& bytes_;
  std::size_t at_ = 0;
};

// IEC 61966-2-1.
float light_of_srgb(float value) {
  return value <= 0.04045f ? value / 12.92f : std::pow((value + 0.055f) / 1.055f, 2.4f);
}

float srgb_of_light(float light) {
  if (!(light > 0)) return 0;
  if (light >= 1) return 1;
  return light <= 0.0031308f ? light * 12.92f : 1.055f * std::pow(light, 1 / 2.4f) - 0.055f;
}

constexpr const char* kExrNames[] = {"R", "G", "B", "A"};

// A channel of interleaved float pixels, as OpenEXR wants it described.
Imf::Slice exr_slice(float* pixels, std::int64_t channel, std::int64_t channels, std::int64_t width,
                     const Imath::V2i& origin, float fill) {
  const std::int64_t first = -(std::int64_t{origin.y} * width + origin.x) * channels + channel;
  return {Imf::FLOAT,
          reinterpret_cast<char*>(pixels + first),
          sizeof(float) * static_cast<std::size_t>(channels),
          sizeof(float) * static_cast<std::size_t>(channels * width),
          1,
          1,
          fill};
}

Image read_exr(std::span<const std::byte> bytes) {
  ExrInput input(bytes);
  Imf::InputFile file(input);
  const Imath::Box2i window = file.header().dataWindow();
  const std::int64_t width = std::int64_t{window.max.x} - window.min.x + 1;
  const std::int64_t height = std::int64_t{window.max.y} - window.min.y + 1;
  if (Status size = check_image_size(static_cast<std::uint64_t>(std::max<std::int64_t>(0, width)),
                                     static_cast<std::uint64_t>(std::max<std::int64_t>(0, height)));
      !size.ok())
    throw std::runtime_error(size.error().message());
  const Imf::ChannelList& found = file.header().channels();
  const bool gray = found.findChannel("R") == nullptr && found.findChannel("Y") != nullptr;
  const std::int64_t channels = found.findChannel("A") != nullptr ? 4 : 3;
  Tensor pixels(Shape{height, width, channels});
  Imf::FrameBuffer buffer;
  for (std::int64_t c = 0; c < channels; ++c) {
    const char* name = gray && c < 3 ? "Y" : kExrNames[c];
    if (gray && (c == 1 || c == 2)) continue;
    buffer.insert(name, exr_slice(pixels.data(), c, channels, width, window.min, c == 3 ? 1 : 0));
  }
  file.setFrameBuffer(buffer);
  file.readPixels(window.min.y, window.max.y);
  for (std::int64_t i = 0; i < height * width; ++i) {
    float* pixel = pixels.data() + i * channels;
    const float alpha = channels == 4 ? std::clamp(pixel[3], 0.0f, 1.0f) : 1;
    if (gray) pixel[1] = pixel[2] = pixel[0];
    for (std::int64_t c = 0; c < 3; ++c) pixel[c] = srgb_of_light(alpha > 0 ? pixel[c] / alpha : 0);
    if (channels == 4) pixel[3] = alpha;
  }
  Image image{std::move(pixels), {}};
  for (auto at = file.header().begin(); at != file.header().end(); ++at) {
    if (const auto* text = dynamic_cast<const Imf::StringAttribute*>(&at.attribute()))
      image.metadata.push_back({at.name(), text->value()});
  }
  return image;
}

}  // namespace

bool is_exr(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "\x76\x2f\x31\x01", 4) == 0;
}

Result<Image> decode_exr(std::span<const std::byte> bytes, const std::string& name) {
  try {
    return read_exr(bytes);
  } catch (const std::exception& error) {
    return Error(ErrorKind::kCorrupt, name + ": damaged EXR, " + error.what());
  }
}

Result<std::vector<std::byte>> encode_exr(const Tensor& pixels, const ImageMetadata& metadata,
                                          ExrSample sample) {
  const Shape& s = pixels.shape();
  const std::int64_t channels = s[2];
  Tensor light = pixels.clone();
  for (std::int64_t i = 0; i < s[0] * s[1]; ++i) {
    float* pixel = light.data() + i * channels;
    const float alpha = channels == 4 ? pixel[3] : 1;
    for (std::int64_t c = 0; c < 3; ++c)
      pixel[c] = light_of_srgb(std::clamp(pixel[c], 0.0f, 1.0f)) * alpha;
  }
  std::vector<std::byte> bytes;
  try {
    Imf::Header header(static_cast<int>(s[1]), static_cast<int>(s[0]));
    header.compression() = Imf::ZIP_COMPRESSION;
    for (const TextEntry& entry : metadata)
      header.insert(entry.key, Imf::StringAttribute(entry.text));
    std::vector<half> halves;
    Imf::FrameBuffer buffer;
    if (sample == ExrSample::kHalf) halves.assign(light.values().begin(), light.values().end());
    for (std::int64_t c = 0; c < channels; ++c) {
      if (sample == ExrSample::kFloat) {
        header.channels().insert(kExrNames[c], Imf::Channel(Imf::FLOAT));
        buffer.insert(kExrNames[c], exr_slice(light.data(), c, channels, s[1], {0, 0}, 0));
        continue;
      }
      header.channels().insert(kExrNames[c], Imf::Channel(Imf::HALF));
      buffer.insert(kExrNames[c],
                    Imf::Slice(Imf::HALF, reinterpret_cast<char*>(halves.data() + c),
                               sizeof(half) * static_cast<std::size_t>(channels),
                               sizeof(half) * static_cast<std::size_t>(channels * s[1])));
    }
    ExrOutput output(bytes);
    Imf::OutputFile file(output, header);
    file.setFrameBuffer(buffer);
    file.writePixels(static_cast<int>(s[0]));
  } catch (const std::exception& error) {
    return Error(ErrorKind::kIo, std::string("OpenEXR cannot write the picture: ") + error.what());
  }
  return bytes;
}

}  // namespace obscura::io
