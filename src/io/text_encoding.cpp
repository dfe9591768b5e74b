#include "io/text_encoding.h"

#include <simdjson.h>

#include <cstdint>

namespace obscura::io {
namespace {

void append_utf8(std::string& text, std::uint32_t code) {
  auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

bool is_printable_latin1(unsigned code) {
  return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff) || code == '\n' ||
         code == '\r' || code == '\t';
}

}  // namespace

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string utf8_from_latin1(std::string_view text) {
  std::string utf8;
  utf8.reserve(text.size());
  for (char c : text) append_utf8(utf8, static_cast<unsigned char>(c));
  return utf8;
}

std::optional<std::string> latin1_from_utf8(std::string_view text) {
  std::string latin1;
  latin1.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = static_cast<unsigned char>(text[i]);
    if ((code & 0xe0) == 0xc0) {  // two bytes; longer sequences lie beyond Latin-1 and fail below
      code = (code & 0x1f) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f);
    } else if (code >= 0x80) {
      return std::nullopt;
    }
    if (!is_printable_latin1(code)) return std::nullopt;
    latin1 += static_cast<char>(code);
  }
  return latin1;
}

std::string utf8_from_unknown(std::string_view text) {
  return is_utf8(text) ? std::string(text) : utf8_from_latin1(text);
}

std::string utf8_from_utf16(std::span<const std::byte> text, bool big_endian) {
  auto unit_at = [&](std::size_t index) {
    auto first = std::to_integer<std::uint32_t>(text[2 * index]);
    auto second = std::to_integer<std::uint32_t>(text[2 * index + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  std::string utf8;
  const std::size_t units = text.size() / 2;
  for (std::size_t i = 0; i < units; ++i) {
    std::uint32_t code = unit_at(i);
    if (code >= 0xd800 && code < 0xdc00 && i + 1 < units && (unit_at(i + 1) & 0xfc00) == 0xdc00) {
      code = 0x10000 + ((code & 0x3ff) << 10) + (unit_at(++i) & 0x3ff);
    } else if (code >= 0xd800 && code < 0xe000) {
      code = 0xfffd;
    }
    append_utf8(utf8, code);
  }
  return utf8;
}

std::string utf16_from_utf8(std::string_view text) {
  std::string utf16;
  auto put = [&](std::uint32_t unit) {
    utf16 += static_cast<char>(unit >> 8);
    utf16 += static_cast<char>(unit);
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    std::uint32_t code = length == 1 ? first : first & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    i += length;
    if (code >= 0x10000) {
      code -= 0x10000;
      put(0xd800 | code >> 10);
      code = 0xdc00 | (code & 0x3ff);
    }
    put(code);
  }
  return utf16;
}

}  // namespace obscura::io
