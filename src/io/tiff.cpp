#include "io/tiff.h"

#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "io/exif.h"
#include "io/samples.h"
#include "io/text_encoding.h"
#include "tensor/dtype.h"

namespace obscura::io {
namespace {

// A file in memory, for libtiff's callbacks.
struct TiffMemory {
  std::vector<std::byte> bytes;
  std::uint64_t at = 0;
};

tmsize_t read_bytes(thandle_t handle, void* target, tmsize_t size) {
  auto& file = *static_cast<TiffMemory*>(handle);
  const std::uint64_t left = file.at < file.bytes.size() ? file.bytes.size() - file.at : 0;
  const std::uint64_t count = std::min(left, static_cast<std::uint64_t>(size));
  std::memcpy(target, file.bytes.data() + file.at, count);
  file.at += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write_bytes(thandle_t handle, void* source, tmsize_t size) {
  auto& file = *static_cast<TiffMemory*>(handle);
  const std::uint64_t end = file.at + static_cast<std::uint64_t>(size);
  if (end > file.bytes.size()) file.bytes.resize(end);
  std::memcpy(file.bytes.data() + file.at, source, static_cast<std::size_t>(size));
  file.at = end;
  return size;
}

toff_t seek_bytes(thandle_t handle, toff_t offset, int whence) {
  auto& file = *static_cast<TiffMemory*>(handle);
  if (whence == SEEK_CUR) offset += file.at;
  if (whence == SEEK_END) offset += file.bytes.size();
  file.at = offset;
  return offset;
}

int close_bytes(thandle_t) {
  return 0;
}

toff_t size_of_file(thandle_t handle) {
  return static_cast<TiffMemory*>(handle)->bytes.size();
}

// libtiff reports through process-wide functions; what it says is of no use to a user without the
// name of the file, which the caller adds.
void say_nothing(const char*, const char*, va_list) {}

using TiffHandle = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

TiffHandle open_tiff(TiffMemory& file, const char* mode) {
  static const auto silenced = [] {
    TIFFSetErrorHandler(say_nothing);
    TIFFSetWarningHandler(say_nothing);
    return true;
  }();
  (void)silenced;
  return {TIFFClientOpen("image", mode, &file, read_bytes, write_bytes, seek_bytes, close_bytes,
                         size_of_file, nullptr, nullptr),
          TIFFClose};
}

Error damaged_tiff(const std::string& name, const std::string& what) {
  return Error(ErrorKind::kCorrupt, name + ": damaged TIFF, " + what);
}

ImageMetadata texts_of_tiff(TIFF* tiff) {
  const char* description = nullptr;
  ImageMetadata metadata;
  if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) != 1) return metadata;
  const auto json = nlohmann::ordered_json::parse(description, nullptr, false);
  if (!json.is_object()) {
    metadata.push_back({"description", utf8_from_unknown(description)});
    return metadata;
  }
  for (const auto& [key, value] : json.items())
    if (value.is_string()) metadata.push_back({key, value.get<std::string>()});
  return metadata;
}

// What is read as it is stored: interleaved samples of one of four types.
struct Layout {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 8, samples = 1, format = SAMPLEFORMAT_UINT, planar = PLANARCONFIG_CONTIG,
                photometric = PHOTOMETRIC_RGB, orientation = ORIENTATION_TOPLEFT;
  bool premultiplied = false;

  bool is_plain() const {
    const bool depth = format == SAMPLEFORMAT_UINT
                           ? bits == 8 || bits == 16
                           : format == SAMPLEFORMAT_IEEEFP && (bits == 16 || bits == 32);
    const bool colour = photometric == PHOTOMETRIC_RGB
                            ? samples == 3 || samples == 4
                            : photometric == PHOTOMETRIC_MINISBLACK && samples <= 2;
    return depth && colour && planar == PLANARCONFIG_CONTIG;
  }
};

Layout layout_of(TIFF* tiff) {
  Layout layout;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout.planar);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout.photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout.orientation);
  if (layout.orientation < 1 || layout.orientation > 8) layout.orientation = ORIENTATION_TOPLEFT;
  std::uint16_t extra = 0;
  std::uint16_t* kinds = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra, &kinds) == 1 && extra > 0)
    layout.premultiplied = kinds[0] == EXTRASAMPLE_ASSOCALPHA;
  return layout;
}

ColourProfile profile_of_tiff(TIFF* tiff) {
  std::uint32_t size = 0;
  const void* data = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &size, &data) != 1 || size > kMaxProfileBytes)
    return {};
  const auto* first = static_cast<const std::byte*>(data);
  return {first, first + size};
}

float sample_at(const std::byte* row, std::int64_t place, const Layout& layout) {
  if (layout.bits == 8) return static_cast<float>(static_cast<std::uint8_t>(row[place])) / 255;
  std::uint16_t sixteen = 0;
  if (layout.bits == 16) std::memcpy(&sixteen, row + place * 2, 2);
  if (layout.bits == 16 && layout.format == SAMPLEFORMAT_UINT)
    return static_cast<float>(sixteen) / 65535;
  float value = 0;
  if (layout.bits == 16) {
    widen_to_f32(DType::kF16, reinterpret_cast<const std::byte*>(&sixteen), &value, 1);
  } else {
    std::memcpy(&value, row + place * 4, 4);
  }
  return std::isfinite(value) ? std::clamp(value, 0.0f, 1.0f) : 0;
}

Result<Tensor> read_plain_tiff(TIFF* tiff, const Layout& layout, const std::string& name) {
  const bool gray = layout.samples < 3, alpha = layout.samples % 2 == 0;
  const std::int64_t channels = alpha ? 4 : 3;
  Tensor pixels(Shape{layout.height, layout.width, channels});
  std::vector<std::byte> row(static_cast<std::size_t>(TIFFScanlineSize64(tiff)));
  const std::size_t wanted = std::size_t{layout.width} * layout.samples * layout.bits / 8;
  if (row.size() < wanted) return damaged_tiff(name, "its rows are too short");
  float* target = pixels.data();
  for (std::uint32_t y = 0; y < layout.height; ++y) {
    if (TIFFReadScanline(tiff, row.data(), y, 0) != 1)
      return damaged_tiff(name, "row " + std::to_string(y) + " cannot be read");
    for (std::uint32_t x = 0; x < layout.width; ++x) {
      const std::int64_t first = std::int64_t{x} * layout.samples;
      for (std::int64_t c = 0; c < 3; ++c)
        *target++ = sample_at(row.data(), first + (gray ? 0 : c), layout);
      if (!alpha) continue;
      const float seen = sample_at(row.data(), first + layout.samples - 1, layout);
      if (layout.premultiplied)
        for (int c = 1; c <= 3; ++c) target[-c] = seen > 0 ? std::min(target[-c] / seen, 1.0f) : 0;
      *target++ = seen;
    }
  }
  return pixels;
}

Result<Tensor> read_any_tiff(TIFF* tiff, const Layout& layout, const std::string& name) {
  char why[1024] = "";
  if (TIFFRGBAImageOK(tiff, why) != 1)
    return Error(ErrorKind::kUnsupported, name + ": a kind of TIFF that cannot be read: " + why);
  // libtiff would turn some orientations and not others.
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  std::vector<std::uint32_t> rgba(std::size_t{layout.width} * layout.height);
  if (TIFFReadRGBAImageOriented(tiff, layout.width, layout.height, rgba.data(), ORIENTATION_TOPLEFT,
                                1) != 1)
    return damaged_tiff(name, "it cannot be read");
  Tensor pixels(Shape{layout.height, layout.width, 3});
  float* target = pixels.data();
  for (std::uint32_t pixel : rgba) {
    *target++ = static_cast<float>(TIFFGetR(pixel)) / 255;
    *target++ = static_cast<float>(TIFFGetG(pixel)) / 255;
    *target++ = static_cast<float>(TIFFGetB(pixel)) / 255;
  }
  return pixels;
}

// What libtiff stands at, in a file of so many bytes.
Result<Image> read_page(TIFF* tiff, std::size_t file_bytes, const std::string& name) {
  const Layout layout = layout_of(tiff);
  for (const Status& size : {check_image_size(layout.width, layout.height),
                             check_image_fill(layout.width, layout.height, file_bytes)})
    if (!size.ok()) return size.error().in(name);
  ImageMetadata texts = texts_of_tiff(tiff);
  ColourProfile profile = profile_of_tiff(tiff);
  const bool plain = layout.is_plain() && TIFFIsTiled(tiff) == 0;
  OBSCURA_ASSIGN(Tensor pixels,
                 plain ? read_plain_tiff(tiff, layout, name) : read_any_tiff(tiff, layout, name));
  return Image{turned_upright(pixels, layout.orientation), std::move(texts), std::move(profile)};
}

Result<std::vector<Image>> read_pages(std::span<const std::byte> bytes, const std::string& name,
                                      std::size_t most) {
  TiffMemory file{{bytes.begin(), bytes.end()}};
  const TiffHandle tiff = open_tiff(file, "rm");
  if (tiff == nullptr) return damaged_tiff(name, "it cannot be opened");
  std::vector<Image> pages;
  std::uint64_t pixels = 0;
  do {
    OBSCURA_ASSIGN(Image page, read_page(tiff.get(), bytes.size(), name));
    const Shape& s = page.pixels.shape();
    pixels += static_cast<std::uint64_t>(s[0] * s[1]);
    if (const Status total = check_image_total(pixels); !total.ok()) return total.error().in(name);
    pages.push_back(std::move(page));
  } while (pages.size() < most && TIFFReadDirectory(tiff.get()) == 1);
  return pages;
}

}  // namespace

bool is_tiff(std::span<const std::byte> bytes) {
  if (bytes.size() < 8) return false;
  return std::memcmp(bytes.data(), "II*\0", 4) == 0 || std::memcmp(bytes.data(), "MM\0*", 4) == 0;
}

Result<Image> decode_tiff(std::span<const std::byte> bytes, const std::string& name) {
  OBSCURA_ASSIGN(std::vector<Image> pages, read_pages(bytes, name, 1));
  return std::move(pages.front());
}

Result<std::vector<Image>> decode_tiff_pages(std::span<const std::byte> bytes,
                                             const std::string& name) {
  return read_pages(bytes, name, std::numeric_limits<std::size_t>::max());
}

Result<ImageMetadata> decode_tiff_metadata(std::span<const std::byte> bytes,
                                           const std::string& name) {
  TiffMemory file{{bytes.begin(), bytes.end()}};
  const TiffHandle tiff = open_tiff(file, "rm");
  if (tiff == nullptr) return damaged_tiff(name, "it cannot be opened");
  return texts_of_tiff(tiff.get());
}

Result<std::vector<std::byte>> encode_tiff(const Tensor& pixels, const ImageMetadata& metadata,
                                           const TiffOptions& options) {
  const Shape& s = pixels.shape();
  const int bits = options.sample == TiffSample::kUint8    ? 8
                   : options.sample == TiffSample::kUint16 ? 16
                                                           : 32;
  TiffMemory file;
  TiffHandle tiff = open_tiff(file, "w");
  if (tiff == nullptr) return Error(ErrorKind::kIo, "libtiff cannot begin a file");
  TIFFSetField(tiff.get(), TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(s[1]));
  TIFFSetField(tiff.get(), TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(s[0]));
  TIFFSetField(tiff.get(), TIFFTAG_BITSPERSAMPLE, bits);
  TIFFSetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(s[2]));
  TIFFSetField(tiff.get(), TIFFTAG_SAMPLEFORMAT,
               bits == 32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
  TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(tiff.get(), TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff.get(), TIFFTAG_COMPRESSION, COMPRESSION_LZW);
  TIFFSetField(tiff.get(), TIFFTAG_ROWSPERSTRIP, 64);
  if (s[2] == 4) {
    const std::uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tiff.get(), TIFFTAG_EXTRASAMPLES, 1, &alpha);
  }
  if (!options.profile.empty()) {
    TIFFSetField(tiff.get(), TIFFTAG_ICCPROFILE, static_cast<std::uint32_t>(options.profile.size()),
                 options.profile.data());
  }
  if (!metadata.empty()) {
    nlohmann::ordered_json texts;
    for (const TextEntry& entry : metadata) texts[entry.key] = entry.text;
    TIFFSetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION, texts.dump(-1, ' ', true).c_str());
  }
  const std::int64_t count = s[1] * s[2];
  std::vector<std::byte> row(static_cast<std::size_t>(count * bits / 8));
  for (std::int64_t y = 0; y < s[0]; ++y) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = std::clamp(pixels.data()[y * count + i], 0.0f, 1.0f);
      if (bits == 8) {
        row[static_cast<std::size_t>(i)] = static_cast<std::byte>(quantised(value, 255));
      } else if (bits == 16) {
        const auto level = static_cast<std::uint16_t>(quantised(value, 65535));
        std::memcpy(row.data() + i * 2, &level, 2);
      } else {
        std::memcpy(row.data() + i * 4, &value, 4);
      }
    }
    if (TIFFWriteScanline(tiff.get(), row.data(), static_cast<std::uint32_t>(y), 0) != 1)
      return Error(ErrorKind::kIo, "libtiff cannot write row " + std::to_string(y));
  }
  tiff.reset();
  return std::move(file.bytes);
}

}  // namespace obscura::io
