#include "io/exr.h"

#include <ImathMatrix.h>
#include <ImfChannelList.h>
#include <ImfChromaticitiesAttribute.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfIO.h>
#include <ImfInputFile.h>
#include <ImfOutputFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStringAttribute.h>
#include <half.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "io/text_encoding.h"

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

ImageMetadata texts_of_exr(const Imf::Header& header) {
  ImageMetadata texts;
  for (auto at = header.begin(); at != header.end(); ++at) {
    if (const auto* text = dynamic_cast<const Imf::StringAttribute*>(&at.attribute()))
      texts.push_back({utf8_from_unknown(at.name()), utf8_from_unknown(text->value())});
  }
  return texts;
}

// What takes light by the file's primaries to light by sRGB's; nothing where they are the same.
std::optional<Imath::M44f> to_srgb_primaries(const Imf::Header& header) {
  if (!Imf::hasChromaticities(header)) return std::nullopt;
  const Imf::Chromaticities own = Imf::chromaticities(header), srgb;
  if (own == srgb) return std::nullopt;
  return Imf::RGBtoXYZ(own, 1) * Imf::XYZtoRGB(srgb, 1);
}

struct ExrChannels {
  bool gray = false, alpha = false;
};
Result<ExrChannels> channels_of(const Imf::ChannelList& found) {
  auto has = [&](const char* name) { return found.findChannel(name) != nullptr; };
  const ExrChannels channels{!has("R") && has("Y"), has("A")};
  if ((has("R") && has("G") && has("B")) || (channels.gray && !has("RY"))) return channels;
  std::string names;
  for (auto at = found.begin(); at != found.end() && names.size() < 200; ++at)
    names += (names.empty() ? "" : ", ") + std::string(at.name());
  return Error(ErrorKind::kUnsupported,
               "wants the channels R, G and B, or Y alone, found " + utf8_from_unknown(names));
}

// From light to sRGB, in place.
void encode_light(Tensor& pixels, const std::optional<Imath::M44f>& primaries) {
  const std::int64_t channels = pixels.shape()[2];
  for (std::int64_t i = 0; i < pixels.elements() / channels; ++i) {
    float* pixel = pixels.data() + i * channels;
    const float alpha = channels == 4 ? std::clamp(pixel[3], 0.0f, 1.0f) : 1;
    if (primaries) {
      const Imath::V3f light = Imath::V3f(pixel[0], pixel[1], pixel[2]) * *primaries;
      for (int c = 0; c < 3; ++c) pixel[c] = light[c];
    }
    for (std::int64_t c = 0; c < 3; ++c) pixel[c] = srgb_of_light(alpha > 0 ? pixel[c] / alpha : 0);
    if (channels == 4) pixel[3] = alpha > 0 ? alpha : 0;  // not NaN
  }
}

// OpenEXR throws what it finds wrong; decode_exr() catches.
Result<Image> read_exr(std::span<const std::byte> bytes) {
  ExrInput input(bytes);
  Imf::InputFile file(input);
  const Imath::Box2i window = file.header().dataWindow();
  const std::int64_t width = std::int64_t{window.max.x} - window.min.x + 1;
  const std::int64_t height = std::int64_t{window.max.y} - window.min.y + 1;
  const auto wide = static_cast<std::uint64_t>(std::max<std::int64_t>(0, width)),
             high = static_cast<std::uint64_t>(std::max<std::int64_t>(0, height));
  OBSCURA_TRY(check_image_size(wide, high));
  OBSCURA_TRY(check_image_fill(wide, high, bytes.size()));
  OBSCURA_ASSIGN(ExrChannels found, channels_of(file.header().channels()));
  const std::int64_t channels = found.alpha ? 4 : 3;
  Tensor pixels(Shape{height, width, channels});
  Imf::FrameBuffer buffer;
  for (std::int64_t c = 0; c < channels; ++c) {
    if (found.gray && (c == 1 || c == 2)) continue;
    buffer.insert(found.gray && c == 0 ? "Y" : kExrNames[c],
                  exr_slice(pixels.data(), c, channels, width, window.min, c == 3 ? 1 : 0));
  }
  file.setFrameBuffer(buffer);
  file.readPixels(window.min.y, window.max.y);
  for (std::int64_t i = 0; found.gray && i < height * width; ++i)
    pixels.data()[i * channels + 1] = pixels.data()[i * channels + 2] = pixels.data()[i * channels];
  encode_light(pixels, to_srgb_primaries(file.header()));
  return Image{std::move(pixels), texts_of_exr(file.header()), {}};
}

Error damaged_exr(const std::string& name, const std::exception& error) {
  return Error(ErrorKind::kCorrupt, name + ": damaged EXR, " + utf8_from_unknown(error.what()));
}

}  // namespace

bool is_exr(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "\x76\x2f\x31\x01", 4) == 0;
}

Result<Image> decode_exr(std::span<const std::byte> bytes, const std::string& name) {
  try {
    auto image = read_exr(bytes);
    if (!image.ok()) return image.error().in(name);
    return image;
  } catch (const std::exception& error) {
    return damaged_exr(name, error);
  }
}

Result<ImageMetadata> decode_exr_metadata(std::span<const std::byte> bytes,
                                          const std::string& name) {
  try {
    ExrInput input(bytes);
    return texts_of_exr(Imf::InputFile(input).header());
  } catch (const std::exception& error) {
    return damaged_exr(name, error);
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
    return Error(ErrorKind::kIo, std::string("OpenEXR cannot write the image: ") + error.what());
  }
  return bytes;
}

}  // namespace obscura::io
