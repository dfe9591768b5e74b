#include "prompt/styles.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prompt/csv.h"

namespace obscura::prompt {

std::vector<Style> parse_styles(std::string_view csv) {
  std::vector<Style> styles;
  for (std::vector<std::string>& row : parse_csv(csv)) {
    row.resize(std::max<std::size_t>(row.size(), 3));
    if (row[0].empty() || (row[0] == "name" && row[1] == "prompt")) continue;
    styles.push_back({std::move(row[0]), std::move(row[1]), std::move(row[2])});
  }
  return styles;
}

std::string with_style(const std::string& text, const std::string& style) {
  constexpr std::string_view kPlace = "{prompt}";
  if (const std::size_t at = style.find(kPlace); at != std::string::npos)
    return style.substr(0, at) + text + style.substr(at + kPlace.size());
  return text.empty() || style.empty() ? text + style : text + ", " + style;
}

}  // namespace obscura::prompt
