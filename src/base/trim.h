// A text without what is blank at its ends.
#pragma once

#include <cstddef>
#include <string_view>

namespace obscura {

// A part of `text`; empty if it is nothing but blanks.
constexpr std::string_view trimmed(std::string_view text, std::string_view blanks = " \t\r\n") {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace obscura
