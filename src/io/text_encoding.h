// The encodings that texts in images come in, to and from UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace obscura::io {

bool is_utf8(std::string_view text);

std::string utf8_from_latin1(std::string_view text);
// Nothing if a character is not printable Latin-1, a tab or a line break. REQUIRES: is_utf8(text).
std::optional<std::string> latin1_from_utf8(std::string_view text);

// The text itself if it is UTF-8, else taken for Latin-1: for fields whose encoding nobody states.
std::string utf8_from_unknown(std::string_view text);

// Half a surrogate pair becomes U+FFFD; an odd last byte is dropped.
std::string utf8_from_utf16(std::span<const std::byte> text, bool big_endian);
// Big-endian, without a mark of the byte order. REQUIRES: is_utf8(text).
std::string utf16_from_utf8(std::string_view text);

}  // namespace obscura::io
