#include "io/exif.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/parallel.h"
#include "io/exif_tags.h"
#include "io/text_encoding.h"

namespace obscura::io {
namespace {

// One field of a folder (IFD): `value` holds the bytes of ASCII and UNDEFINED fields, `number` that
// of SHORT and LONG.
struct Field {
  unsigned tag = 0;
  unsigned type = 0;
  std::span<const std::byte> value;
  std::uint32_t number = 0;
};

// Numbers outside the block read as 0, which ends every walk.
class Tiff {
 public:
  explicit Tiff(std::span<const std::byte> bytes)
      : bytes_(bytes), little_(!bytes.empty() && bytes[0] == std::byte{'I'}) {}

  std::uint32_t number(std::uint64_t offset, int size) const {
    if (offset + static_cast<std::uint64_t>(size) > bytes_.size()) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      auto byte = std::to_integer<std::uint32_t>(bytes_[offset + static_cast<std::uint64_t>(i)]);
      value |= byte << (8 * (little_ ? i : size - 1 - i));
    }
    return value;
  }

  template <class Visit>
  void for_each_field(std::uint64_t folder, const Visit& visit) const {
    const std::uint32_t count = number(folder, 2);
    for (std::uint32_t i = 0; i < count && folder + 2 + 12 * (i + 1) <= bytes_.size(); ++i) {
      visit(field_at(folder + 2 + 12 * i));
    }
  }

 private:
  Field field_at(std::uint64_t offset) const {
    Field field;
    field.tag = number(offset, 2);
    field.type = number(offset + 2, 2);
    const std::uint64_t count = number(offset + 4, 4);
    if (field.type == kTypeShort) field.number = number(offset + 8, 2);
    if (field.type == kTypeLong) field.number = number(offset + 8, 4);
    if (field.type == kTypeAscii || field.type == kTypeUndefined) {
      // Up to four bytes stand in the field itself, more at the offset that it names.
      std::uint64_t start = count <= 4 ? offset + 8 : number(offset + 8, 4);
      if (start <= bytes_.size() && count <= bytes_.size() - start)
        field.value = bytes_.subspan(start, count);
    }
    return field;
  }

  std::span<const std::byte> bytes_;
  bool little_;
};

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string without_end_zeros(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

// The first eight bytes name the encoding. Of UTF-16 they do not give the byte order, and writers
// disagree whether it is TIFF's: texts start with a character below 256, so the order that makes
// the first one small is the right one.
std::string user_comment(std::span<const std::byte> value) {
  if (value.size() < 8) return {};
  auto text = value.subspan(8);
  if (as_text(value.first(8)) == std::string_view("UNICODE\0", 8)) {
    bool big_endian = text.size() < 2 || text[0] <= text[1];
    return without_end_zeros(utf8_from_utf16(text, big_endian));
  }
  return without_end_zeros(utf8_from_unknown(as_text(text)));
}

// AUTOMATIC1111's text ends with a line that begins so.
bool is_infotext(std::string_view text) {
  return text.starts_with("Steps: ") || text.find("\nSteps: ") != std::string_view::npos;
}

// "key:{json}", as ComfyUI fills one text tag after the other, downwards from Model.
bool add_comfy_text(const std::string& text, ImageMetadata& texts) {
  auto colon = text.find(":{");
  if (colon == std::string::npos || colon == 0 || colon > 64) return false;
  texts.push_back({text.substr(0, colon), text.substr(colon + 1)});
  return true;
}

void add_main_field(const Field& field, Exif& exif) {
  if (field.tag == kTagOrientation && field.number >= 1 && field.number <= 8) {
    exif.orientation = static_cast<int>(field.number);
  }
  if (field.type != kTypeAscii || field.tag > kTagModel) return;
  std::string text = without_end_zeros(utf8_from_unknown(as_text(field.value)));
  if (text.empty() || add_comfy_text(text, exif.texts)) return;
  if (field.tag == kTagImageDescription) exif.texts.push_back({"ImageDescription", text});
}

}  // namespace

Exif read_exif(std::span<const std::byte> tiff) {
  if (as_text(tiff).substr(0, 6) == std::string_view("Exif\0\0", 6)) tiff = tiff.subspan(6);
  Exif exif;
  auto order = as_text(tiff).substr(0, 2);
  if (order != "II" && order != "MM") return exif;
  const Tiff file(tiff);
  if (file.number(2, 2) != 42) return exif;
  std::uint32_t exif_folder = 0;
  file.for_each_field(file.number(4, 4), [&](const Field& field) {
    add_main_field(field, exif);
    if (field.tag == kTagExifFolder) exif_folder = field.number;
  });
  if (exif_folder == 0) return exif;
  file.for_each_field(exif_folder, [&](const Field& field) {
    if (field.tag != kTagUserComment) return;
    std::string text = user_comment(field.value);
    if (text.empty()) return;
    exif.texts.push_back({is_infotext(text) ? "parameters" : "UserComment", std::move(text)});
  });
  return exif;
}

Tensor turned_upright(const Tensor& pixels, int orientation) {
  OBSCURA_CHECK(orientation >= 1 && orientation <= 8, "no such orientation");
  if (orientation == 1) return pixels;
  const std::int64_t height = pixels.shape()[0], width = pixels.shape()[1],
                     channels = pixels.shape()[2];
  const bool transpose = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Tensor upright(transpose ? Shape{width, height, channels} : Shape{height, width, channels});
  const float* source = pixels.data();
  float* target = upright.data();
  const std::int64_t rows = upright.shape()[0], columns = upright.shape()[1];
  parallel_for(rows, [=](std::int64_t row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      std::int64_t x = transpose ? row : column, y = transpose ? column : row;
      if (from_right) x = width - 1 - x;
      if (from_bottom) y = height - 1 - y;
      std::copy_n(source + (y * width + x) * channels, channels,
                  target + (row * columns + column) * channels);
    }
  });
  return upright;
}

}  // namespace obscura::io
