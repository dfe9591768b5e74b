// Text in lower case, for names that are compared without regard to it.
#pragma once

#include <string>
#include <string_view>

namespace obscura {

// ASCII letters in lower case; everything else as it is.
inline std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

}  // namespace obscura
