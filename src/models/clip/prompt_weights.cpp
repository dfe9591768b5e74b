#include "models/clip/prompt_weights.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "models/clip/tokenizer_text.h"

namespace obscura::models::clip {
namespace {

constexpr double kGroupFactor = 1.1;

bool is_escape(std::u32string_view text, size_t place) {
  return text[place] == U'\\' && place + 1 < text.size() &&
         (text[place + 1] == U'(' || text[place + 1] == U')');
}

// Whether `text` ends with a parenthesis that is not escaped. A backslash before one always escapes
// it.
bool ends_with_close(std::u32string_view text) {
  return text.ends_with(U')') && !text.ends_with(U"\\)");
}

// Cuts `text` where its outermost groups start and end. A stray ")" makes the depth negative, and
// the "(" that brings it back to zero opens no group: ") (b)" is all text.
std::vector<std::u32string_view> split_groups(std::u32string_view text) {
  std::vector<std::u32string_view> parts;
  size_t start = 0;
  int64_t depth = 0;
  auto cut = [&](size_t end) {
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_escape(text, i)) {
      ++i;
    } else if (text[i] == U'(') {
      if (depth == 0) cut(i);
      ++depth;
    } else if (text[i] == U')') {
      --depth;
      if (depth == 0) cut(i + 1);
    }
  }
  cut(text.size());
  return parts;
}

// Decimal digits come in blocks of ten, in every script.
std::optional<char> ascii_digit(char32_t c) {
  if (c >= U'0' && c <= U'9') return static_cast<char>(c);
  auto is_digit = [](char32_t d) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(d)) == UTF8PROC_CATEGORY_ND;
  };
  if (c < 0x80 || !is_digit(c)) return std::nullopt;
  int before = 0;
  while (is_digit(c - 1 - before)) ++before;
  return static_cast<char>('0' + before % 10);
}

// `text` in ASCII, as float() sees it: digits of any script, and underscores between digits left
// out.
std::optional<std::string> number_text(std::u32string_view text) {
  std::string number;
  for (size_t i = 0; i < text.size(); ++i) {
    if (std::optional<char> digit = ascii_digit(text[i])) {
      number += *digit;
    } else if (text[i] == U'_') {
      bool between_digits =
          i > 0 && i + 1 < text.size() && ascii_digit(text[i - 1]) && ascii_digit(text[i + 1]);
      if (!between_digits) return std::nullopt;
    } else if (text[i] < 0x80) {
      number += static_cast<char>(text[i]);
    } else {
      return std::nullopt;
    }
  }
  return number;
}

// Python's float(text).
std::optional<double> parse_float(std::u32string_view text) {
  std::optional<std::string> number = number_text(strip(text));
  if (!number || number->empty()) return std::nullopt;
  std::string_view digits = *number;
  if (digits[0] == '+') {
    digits.remove_prefix(1);
    if (digits.starts_with('-')) return std::nullopt;
  }
  if (digits.find('(') != std::string_view::npos) return std::nullopt;  // C's "nan(…)"
  double value = 0;
  auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem == std::errc::invalid_argument || stop != digits.data() + digits.size())
    return std::nullopt;
  // from_chars does not say on which side the value is out of range; strtod does.
  return problem == std::errc() ? value : std::strtod(std::string(digits).c_str(), nullptr);
}

std::string unescape(std::u32string_view text) {
  std::u32string unescaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_escape(text, i)) ++i;
    unescaped += text[i];
  }
  return encode_utf8(unescaped);
}

// Takes a trailing ":number" off `group`. A group that is nothing but that keeps it as text.
std::optional<double> take_weight(std::u32string_view* group) {
  size_t colon = group->rfind(U':');
  if (colon == std::u32string_view::npos || colon == 0) return std::nullopt;
  std::optional<double> weight = parse_float(group->substr(colon + 1));
  if (weight) *group = group->substr(0, colon);
  return weight;
}

Status append_segments(std::u32string_view text, double weight, int depth,
                       std::vector<PromptSegment>* segments) {
  if (depth > kMaxPromptNesting) {
    return Error(
        ErrorKind::kInvalidInput,
        fmt::format("[prompt] wanted parentheses at most {} deep, got more", kMaxPromptNesting));
  }
  for (std::u32string_view part : split_groups(text)) {
    bool is_group = part.size() >= 2 && part.starts_with(U'(') && ends_with_close(part);
    if (!is_group) {
      segments->push_back({unescape(part), weight});
      continue;
    }
    std::u32string_view group = part.substr(1, part.size() - 2);
    double factored = weight * kGroupFactor;
    double group_weight = take_weight(&group).value_or(factored);
    OBSCURA_TRY(append_segments(group, group_weight, depth + 1, segments));
  }
  return {};
}

}  // namespace

Result<std::vector<PromptSegment>> parse_prompt_weights(std::string_view prompt) {
  std::vector<PromptSegment> segments;
  OBSCURA_TRY(append_segments(decode_utf8(prompt), 1.0, 0, &segments));
  return segments;
}

}  // namespace obscura::models::clip
