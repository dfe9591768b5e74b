#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/files.h"
#include "base/memory_text.h"
#include "io/png.h"
#include "io/png_session.h"
#include "io/samples.h"
#include "io/text_encoding.h"

namespace obscura::io {
namespace {

struct TextChunk {
  const char* type;
  std::string body;
};

// PNG 1.2, 4.2.3.1: 1 to 79 printable Latin-1 characters, no space at either end or next to
// another.
Result<std::string> latin1_key(const std::string& key) {
  auto latin1 = is_utf8(key) ? latin1_from_utf8(key) : std::nullopt;
  bool allowed = latin1 && !latin1->empty() && latin1->size() <= 79 &&
                 latin1->find_first_of("\n\r\t\xa0") == latin1->npos && latin1->front() != ' ' &&
                 latin1->back() != ' ' && latin1->find("  ") == latin1->npos;
  if (allowed) return *latin1;
  return Error(
      ErrorKind::kInvalidInput,
      fmt::format(
          "\"{}\" cannot name a text of a PNG: that wants 1 to 79 Latin-1 characters without tabs, "
          "line breaks and spaces at the ends",
          is_utf8(key) ? key : utf8_from_latin1(key)));
}

Result<TextChunk> text_chunk(const TextEntry& entry) {
  OBSCURA_ASSIGN(std::string key, latin1_key(entry.key));
  if (!is_utf8(entry.text) || entry.text.find('\0') != std::string::npos) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the text \"{}\" is not UTF-8, or holds a zero", entry.key));
  }
  if (entry.text.size() > PNG_UINT_31_MAX - 100) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the text \"{}\" of {} is too long for a PNG", entry.key,
                             memory_text(entry.text.size())));
  }
  key += '\0';
  if (auto latin1 = latin1_from_utf8(entry.text)) return TextChunk{"tEXt", key + *latin1};
  // Not compressed, method 0, no language, no translated key.
  return TextChunk{"iTXt", key + std::string(4, '\0') + entry.text};
}

// One row as stored: 8-bit samples, or 16-bit ones with the high byte first.
void quantise_row(const float* row, std::size_t count, int bits, png_bytep target) {
  if (bits == 8) {
    for (std::size_t i = 0; i < count; ++i)
      target[i] = static_cast<png_byte>(quantised(row[i], 255.0f));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t sample = quantised(row[i], 65535.0f);
    target[2 * i] = static_cast<png_byte>(sample >> 8);
    target[2 * i + 1] = static_cast<png_byte>(sample);
  }
}

class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure_, on_png_error, on_png_warning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
  }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  Result<std::vector<std::byte>> write(const Tensor& pixels, const std::vector<TextChunk>& texts,
                                       const PngOptions& options) {
    if (!info_) return Error(ErrorKind::kOutOfMemory, "no memory to write a PNG");
    const auto samples = static_cast<std::size_t>(pixels.shape()[1] * pixels.shape()[2]);
    std::vector<png_byte> row(samples * static_cast<std::size_t>(options.bits / 8));
    bool done = attempt_png(png_, [&] {
      start(pixels.shape(), options);
      for (const TextChunk& text : texts) {
        png_write_chunk(png_, reinterpret_cast<png_const_bytep>(text.type),
                        reinterpret_cast<png_const_bytep>(text.body.data()), text.body.size());
      }
      for (std::int64_t y = 0; y < pixels.shape()[0]; ++y) {
        quantise_row(pixels.data() + static_cast<std::size_t>(y) * samples, samples, options.bits,
                     row.data());
        png_write_row(png_, row.data());
      }
      png_write_end(png_, nullptr);
    });
    if (!done)
      return Error(ErrorKind::kInternal, "libpng cannot write the image: " + failure_.message);
    return std::move(bytes_);
  }

 private:
  void start(const Shape& shape, const PngOptions& options) {
    auto append = [](png_structp png, png_bytep data, std::size_t size) {
      auto& bytes = static_cast<PngWriter*>(png_get_io_ptr(png))->bytes_;
      auto source = reinterpret_cast<const std::byte*>(data);
      bytes.insert(bytes.end(), source, source + size);
    };
    png_set_write_fn(png_, this, append, [](png_structp) {});
    png_set_user_limits(png_, kMaxImageSide, kMaxImageSide);
    png_set_compression_level(png_, options.compression);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(shape[1]),
                 static_cast<png_uint_32>(shape[0]), options.bits,
                 shape[2] == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!options.profile.empty()) {
      png_set_iCCP(png_, info_, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
                   reinterpret_cast<png_const_bytep>(options.profile.data()),
                   static_cast<png_uint_32>(options.profile.size()));
    }
    png_write_info(png_, info_);
  }

  std::vector<std::byte> bytes_;
  PngFailure failure_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Result<std::vector<std::byte>> encode_png(const Tensor& pixels, const ImageMetadata& metadata,
                                          const PngOptions& options) {
  const Shape& shape = pixels.shape();
  OBSCURA_CHECK(shape.rank() == 3 && (shape[2] == 3 || shape[2] == 4) && shape.elements() > 0,
                "an image wants the shape (H, W, 3 or 4), got " + shape.text());
  OBSCURA_CHECK(options.bits == 8 || options.bits == 16, "PNG samples have 8 or 16 bits");
  OBSCURA_CHECK(options.compression >= 0 && options.compression <= 9, "zlib's levels are 0 to 9");
  if (Status size = check_image_size(static_cast<std::uint64_t>(shape[1]),
                                     static_cast<std::uint64_t>(shape[0]));
      !size.ok()) {
    return Error(ErrorKind::kInvalidInput, size.error().message());
  }
  std::vector<TextChunk> texts;
  for (const TextEntry& entry : metadata) {
    OBSCURA_ASSIGN(TextChunk chunk, text_chunk(entry));
    texts.push_back(std::move(chunk));
  }
  return PngWriter().write(pixels, texts, options);
}

Status write_png(const std::filesystem::path& path, const Tensor& pixels,
                 const ImageMetadata& metadata, const PngOptions& options) {
  auto bytes = encode_png(pixels, metadata, options);
  if (!bytes.ok()) return bytes.error().in(path.string());
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(file.write(*bytes));
  return file.commit();
}

}  // namespace obscura::io
