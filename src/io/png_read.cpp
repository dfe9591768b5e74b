#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "io/exif.h"
#include "io/png.h"
#include "io/png_chunks.h"
#include "io/png_session.h"
#include "io/samples.h"

namespace obscura::io {
namespace {

class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> bytes) : rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure_, on_png_error, on_png_warning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Result<Tensor> read() {
    if (!info_) return Error(ErrorKind::kOutOfMemory, "no memory to read a PNG");
    if (!attempt_png(png_, [this] { start(); })) return damaged();
    Shape shape{png_get_image_height(png_, info_), png_get_image_width(png_, info_),
                png_get_channels(png_, info_)};
    if (png_get_bit_depth(png_, info_) == 16) return read_samples<std::uint16_t>(shape);
    return read_samples<std::uint8_t>(shape);
  }

 private:
  Error damaged() const {
    return Error(ErrorKind::kCorrupt, "the image is damaged: " + failure_.message);
  }

  // Asks for 8 or 16 bits a sample in this machine's byte order, and for RGB or RGB and alpha.
  void start() {
    png_set_read_fn(png_, this, [](png_structp png, png_bytep target, std::size_t size) {
      static_cast<PngReader*>(png_get_io_ptr(png))->take(target, size);
    });
    png_set_user_limits(png_, kMaxImageSide, kMaxImageSide);
    // Texts and profiles are read elsewhere or not at all; libpng would unpack them.
    static constexpr png_byte kPassedOver[] = "tEXt\0zTXt\0iTXt\0eXIf\0iCCP\0sPLT";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kPassedOver, 6);
    png_read_info(png_, info_);
    png_set_expand(png_);
    if constexpr (std::endian::native == std::endian::little) png_set_swap(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  template <class Sample>
  Result<Tensor> read_samples(const Shape& shape) {
    std::vector<Sample> samples(static_cast<std::size_t>(shape.elements()));
    std::vector<png_bytep> rows(static_cast<std::size_t>(shape[0]));
    for (std::size_t y = 0; y < rows.size(); ++y) {
      rows[y] = reinterpret_cast<png_bytep>(samples.data() +
                                            y * static_cast<std::size_t>(shape[1] * shape[2]));
    }
    auto read_rows = [&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    };
    if (!attempt_png(png_, read_rows)) return damaged();
    return unit_floats(samples, shape);
  }

  void take(png_bytep target, std::size_t size) {
    if (size > rest_.size()) png_error(png_, "the file ends too early");
    std::memcpy(target, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }

  std::span<const std::byte> rest_;
  PngFailure failure_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Result<Image> decode_png(std::span<const std::byte> bytes, const std::string& name) {
  auto chunks = read_png_chunks(bytes);
  if (!chunks.ok()) return chunks.error().in(name);
  auto pixels = PngReader(bytes).read();
  if (!pixels.ok()) return pixels.error().in(name);
  Exif exif = read_exif(chunks->exif);
  ImageMetadata texts = std::move(chunks->texts);
  texts.insert(texts.end(), exif.texts.begin(), exif.texts.end());
  return Image{turned_upright(*pixels, exif.orientation), std::move(texts),
               std::move(chunks->profile)};
}

Result<ImageMetadata> decode_png_metadata(std::span<const std::byte> bytes,
                                          const std::string& name) {
  auto chunks = read_png_chunks(bytes);
  if (!chunks.ok()) return chunks.error().in(name);
  ImageMetadata texts = std::move(chunks->texts);
  const Exif exif = read_exif(chunks->exif);
  texts.insert(texts.end(), exif.texts.begin(), exif.texts.end());
  return texts;
}

Status check_png_is_still(std::span<const std::byte> bytes, const std::string& name) {
  auto chunks = read_png_chunks(bytes);
  if (!chunks.ok()) return chunks.error().in(name);
  if (chunks->frames == 1) return {};
  return Error(ErrorKind::kUnsupported,
               fmt::format("{}: wants a still image or an animated WebP, found an animated PNG of "
                           "{} frames",
                           name, chunks->frames));
}

}  // namespace obscura::io
