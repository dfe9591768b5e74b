#include "io/jpeg.h"

#include <fmt/format.h>

// libjpeg's headers want these two first.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>
// After jpeglib.h, whose types it names.
#include <jerror.h>

#include <csetjmp>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "io/exif.h"
#include "io/samples.h"
#include "io/text_encoding.h"

namespace obscura::io {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1, kProfileMarker = JPEG_APP0 + 2;
// A progressive file may repeat a scan of the whole image in a few bytes, without end. Real ones
// have about ten.
constexpr int kMaxScans = 100;

// libjpeg's structures and what its callbacks need; it reports errors by longjmp.
class JpegReader {
 public:
  explicit JpegReader(std::span<const std::byte> bytes) : bytes_(bytes) {
    decoder_.err = ::jpeg_std_error(&errors_);
    decoder_.client_data = this;
    errors_.error_exit = [](j_common_ptr decoder) { self(decoder).fail(); };
    errors_.emit_message = [](j_common_ptr decoder, int) { self(decoder).check_warning(); };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr decoder) { self(decoder).check_scans(); };
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { ::jpeg_destroy_decompress(&decoder_); }

  Status read_header() {
    bool done = attempt([this] {
      ::jpeg_create_decompress(&decoder_);
      decoder_.progress = &progress_;
      ::jpeg_mem_src(&decoder_, reinterpret_cast<const unsigned char*>(bytes_.data()),
                     bytes_.size());
      ::jpeg_save_markers(&decoder_, JPEG_COM, 0xffff);
      ::jpeg_save_markers(&decoder_, kExifMarker, 0xffff);
      ::jpeg_save_markers(&decoder_, kProfileMarker, 0xffff);
      ::jpeg_read_header(&decoder_, TRUE);
    });
    if (!done) return damaged();
    return check_image_size(decoder_.image_width, decoder_.image_height);
  }

  // REQUIRES: read_header() went well. `profile` is used for CMYK alone.
  Result<Tensor> read_pixels(const ColourProfile& profile) {
    // Every 8x8 block of the largest component takes a bit at least, and that component has a
    // sixteenth of the image's samples or more. A file that cannot fill its image is refused
    // before the image is allocated.
    if (std::uint64_t{decoder_.image_width} * decoder_.image_height > bytes_.size() * 8 * 64 * 16) {
      return Error(ErrorKind::kCorrupt,
                   fmt::format("{}x{} pixels cannot come from {} bytes", decoder_.image_width,
                               decoder_.image_height, bytes_.size()));
    }
    const bool cmyk = decoder_.num_components == 4;
    decoder_.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    const std::size_t stored = cmyk ? 4 : 3;
    const std::size_t width = decoder_.image_width, height = decoder_.image_height;
    std::vector<std::uint8_t> samples(width * height * stored);
    auto read_rows = [&] {
      ::jpeg_start_decompress(&decoder_);
      while (decoder_.output_scanline < decoder_.output_height) {
        JSAMPROW row = samples.data() + decoder_.output_scanline * width * stored;
        ::jpeg_read_scanlines(&decoder_, &row, 1);
      }
      ::jpeg_finish_decompress(&decoder_);
    };
    if (!attempt(read_rows)) return damaged();
    const auto rows = static_cast<std::int64_t>(height), columns = static_cast<std::int64_t>(width);
    if (cmyk) {
      auto converted =
          srgb_of_cmyk(samples, rows, columns, decoder_.saw_Adobe_marker != 0, profile);
      if (converted) return std::move(*converted);
      samples = rgb_of_cmyk(samples);
    }
    return unit_floats(samples, {rows, columns, 3});
  }

  // REQUIRES: read_header() went well, and read_pixels() is still to come: it drops the markers.
  ColourProfile read_profile() {
    JOCTET* data = nullptr;
    unsigned size = 0;
    bool found = false;
    if (!attempt([&] { found = ::jpeg_read_icc_profile(&decoder_, &data, &size) != FALSE; }) ||
        !found)
      return {};
    const auto* first = reinterpret_cast<const std::byte*>(data);
    ColourProfile profile(first, first + size);
    std::free(data);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's malloc
    return profile;
  }

  // REQUIRES: read_header() went well. What EXIF says, with the comments among its texts.
  Exif read_markers() const {
    Exif exif;
    ImageMetadata comments;
    for (auto marker = decoder_.marker_list; marker; marker = marker->next) {
      std::string_view body(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (marker->marker == JPEG_COM) comments.push_back({"Comment", utf8_from_unknown(body)});
      // XMP uses the same marker under another name.
      if (marker->marker == kExifMarker && body.starts_with("Exif"))
        exif = read_exif(std::as_bytes(std::span(body)));
    }
    exif.texts.insert(exif.texts.begin(), comments.begin(), comments.end());
    return exif;
  }

 private:
  static JpegReader& self(j_common_ptr decoder) {
    return *static_cast<JpegReader*>(decoder->client_data);
  }

  // Runs `body`, which calls libjpeg and must not own anything; false if libjpeg gave up.
  template <class Body>
  bool attempt(const Body& body) {
    if (setjmp(escape_) != 0) return false;
    body();
    return true;
  }

  [[noreturn]] void fail() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&decoder_), message_);
    std::longjmp(escape_, 1);
  }

  // libjpeg fills what a truncated file lacks with gray; that must not pass for an image.
  void check_warning() {
    if (errors_.msg_code == JWRN_JPEG_EOF) fail();
  }

  void check_scans() {
    if (decoder_.input_scan_number <= kMaxScans) return;
    errors_.msg_code = JERR_BAD_PROGRESSION;
    fail();
  }

  Error damaged() const {
    if (errors_.msg_code == JERR_BAD_PRECISION) {
      return Error(ErrorKind::kUnsupported,
                   fmt::format("wants a JPEG of 8 bits a sample, found {}", errors_.msg_parm.i[0]));
    }
    return Error(ErrorKind::kCorrupt, std::string("the image is damaged: ") + message_);
  }

  // Where no profile says better, as every viewer does it. Adobe's files hold the inks inverted.
  std::vector<std::uint8_t> rgb_of_cmyk(const std::vector<std::uint8_t>& cmyk) const {
    const unsigned flip = decoder_.saw_Adobe_marker ? 0 : 255;
    std::vector<std::uint8_t> rgb(cmyk.size() / 4 * 3);
    for (std::size_t i = 0; i < cmyk.size() / 4; ++i) {
      unsigned key = cmyk[4 * i + 3] ^ flip;
      for (std::size_t c = 0; c < 3; ++c) {
        rgb[3 * i + c] = static_cast<std::uint8_t>(((cmyk[4 * i + c] ^ flip) * key + 127) / 255);
      }
    }
    return rgb;
  }

  std::span<const std::byte> bytes_;
  jpeg_decompress_struct decoder_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf escape_{};
  char message_[JMSG_LENGTH_MAX] = {};
};

}  // namespace

Result<Image> decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  JpegReader reader(bytes);
  if (Status header = reader.read_header(); !header.ok()) return header.error().in(name);
  Exif exif = reader.read_markers();  // before decoding, which drops them
  ColourProfile profile = reader.read_profile();
  auto pixels = reader.read_pixels(profile);
  if (!pixels.ok()) return pixels.error().in(name);
  return Image{turned_upright(*pixels, exif.orientation), std::move(exif.texts),
               std::move(profile)};
}

Result<ImageMetadata> decode_jpeg_metadata(std::span<const std::byte> bytes,
                                           const std::string& name) {
  JpegReader reader(bytes);
  if (Status header = reader.read_header(); !header.ok()) return header.error().in(name);
  return reader.read_markers().texts;
}

}  // namespace obscura::io
