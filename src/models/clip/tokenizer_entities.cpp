// The character references of HTML 5, by the rules of Python's html.unescape, which are the
// standard's for text less its parse errors.
#include <algorithm>
#include <charconv>
#include <vector>

#include "base/check.h"
#include "models/clip/tokenizer_text.h"

// Defined by obscura_embed (cmake/Embed.cmake): models/clip/html_entities.txt.
extern "C" const char obscura_html_entities_begin[];
extern "C" const char obscura_html_entities_end[];

namespace obscura::models::clip {
namespace {

constexpr char32_t kUnknownCharacter = 0xFFFD;
constexpr size_t kMaxNameSize = 32;

// The table's lines, "name hex…", sorted by name. Made when the first "&" is met.
const std::vector<std::string_view>& entity_lines() {
  static const std::vector<std::string_view> lines = [] {
    std::string_view text(obscura_html_entities_begin, obscura_html_entities_end);
    std::vector<std::string_view> split;
    for (size_t end; (end = text.find('\n')) != std::string_view::npos;
         text.remove_prefix(end + 1)) {
      split.push_back(text.substr(0, end));
    }
    return split;
  }();
  return lines;
}

std::string_view name_of(std::string_view line) {
  return line.substr(0, line.find(' '));
}

// Appends what the reference `name` (its semicolon included, if it has one) stands for; false if
// there is none.
bool append_named(std::u32string_view name, std::u32string* text) {
  if (std::any_of(name.begin(), name.end(), [](char32_t c) { return c >= 0x80; })) return false;
  std::string wanted(name.begin(), name.end());
  const auto& lines = entity_lines();
  auto line =
      std::lower_bound(lines.begin(), lines.end(), wanted,
                       [](std::string_view a, const std::string& b) { return name_of(a) < b; });
  if (line == lines.end() || name_of(*line) != wanted) return false;
  const char* cursor = line->data() + wanted.size();
  const char* end = line->data() + line->size();
  while (cursor != end) {
    uint32_t code_point = 0;
    auto [stop, problem] = std::from_chars(cursor + 1, end, code_point, 16);
    OBSCURA_CHECK(problem == std::errc(), "html_entities.txt: " + std::string(*line));
    text->push_back(code_point);
    cursor = stop;
  }
  return true;
}

// The code points that a numeric reference may not name vanish; those of Windows-1252's upper
// controls are mended.
void append_numeric(uint32_t value, std::u32string* text) {
  constexpr char32_t kWindows1252[32] = {
      0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
      0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
  if (value == 0 || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
    text->push_back(kUnknownCharacter);
  } else if (value >= 0x80 && value <= 0x9F) {
    text->push_back(kWindows1252[value - 0x80]);
  } else {
    bool control =
        (value < 0x20 && (value < 0x09 || value > 0x0D || value == 0x0B)) || value == 0x7F;
    bool not_a_character = (value >= 0xFDD0 && value <= 0xFDEF) || (value & 0xFFFE) == 0xFFFE;
    if (!control && !not_a_character) text->push_back(value);
  }
}

int digit_value(char32_t c, uint32_t base) {
  if (c >= U'0' && c <= U'9') return static_cast<int>(c - U'0');
  char32_t lower = c | 0x20;
  return base == 16 && lower >= U'a' && lower <= U'f' ? static_cast<int>(lower - U'a') + 10 : -1;
}

// `rest` starts behind "&#". Returns how much of it the reference takes; 0: it is none.
size_t take_numeric(std::u32string_view rest, std::u32string* text) {
  bool hexadecimal = !rest.empty() && (rest[0] | 0x20) == U'x';
  uint32_t base = hexadecimal ? 16 : 10;
  size_t first_digit = hexadecimal ? 1 : 0;
  size_t end = first_digit;
  uint32_t value = 0;
  for (; end < rest.size() && digit_value(rest[end], base) >= 0; ++end) {
    value = std::min<uint32_t>(value * base + digit_value(rest[end], base), 0x110000);
  }
  if (end == first_digit) return 0;
  append_numeric(value, text);
  return end < rest.size() && rest[end] == U';' ? end + 1 : end;
}

// `rest` starts behind "&". Returns how much of it the reference takes; 0: it is none.
size_t take_named(std::u32string_view rest, std::u32string* text) {
  constexpr std::u32string_view kEnds = U"\t\n\f <&#;";
  size_t size = std::min(rest.substr(0, kMaxNameSize).find_first_of(kEnds),
                         std::min(rest.size(), kMaxNameSize));
  if (size == 0) return 0;
  if (size < rest.size() && rest[size] == U';') ++size;
  // Some names count without their semicolon: "&notit;" is "¬it;".
  for (; size > 1; --size) {
    if (append_named(rest.substr(0, size), text)) return size;
  }
  return 0;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  std::u32string unescaped;
  unescaped.reserve(text.size());
  while (!text.empty()) {
    size_t ampersand = std::min(text.find(U'&'), text.size());
    unescaped += text.substr(0, ampersand);
    text.remove_prefix(ampersand);
    if (text.empty()) break;
    text.remove_prefix(1);
    bool numeric = !text.empty() && text[0] == U'#';
    size_t taken =
        numeric ? take_numeric(text.substr(1), &unescaped) : take_named(text, &unescaped);
    if (taken == 0) {
      unescaped += U'&';
    } else {
      text.remove_prefix(numeric ? taken + 1 : taken);
    }
  }
  return unescaped;
}

}  // namespace obscura::models::clip
