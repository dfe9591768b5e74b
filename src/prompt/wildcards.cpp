#include "prompt/wildcards.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::prompt {

std::vector<std::string> wildcard_lines(std::string_view file) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < file.size();) {
    const std::size_t stop = std::min(file.find('\n', at), file.size());
    std::string_view line = file.substr(at, stop - at);
    at = stop + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && line[0] != '#') lines.emplace_back(line);
  }
  return lines;
}

Result<std::string> with_wildcards(std::string text, const WildcardSource& source) {
  constexpr int kMostWildcards = 1000;  // a file that names itself would never end
  for (int count = 0; count < kMostWildcards; ++count) {
    const std::size_t begin = text.find("__");
    const std::size_t end = begin == std::string::npos ? begin : text.find("__", begin + 2);
    if (end == std::string::npos) return text;
    OBSCURA_ASSIGN(std::vector<std::string> lines,
                   source.lines(text.substr(begin + 2, end - begin - 2)));
    text.replace(begin, end + 2 - begin, lines[source.choose(lines.size())]);
  }
  return Error(ErrorKind::kInvalidInput, "its wildcards never end");
}

}  // namespace obscura::prompt
