#include "workflows/seed_list.h"

#include <charconv>

#include "base/trim.h"
#include "graph/suggest.h"

namespace obscura::workflows {

Result<std::vector<std::uint64_t>> parse_seeds(std::string_view text, std::int64_t count) {
  std::vector<std::uint64_t> seeds;
  for (std::string_view rest = text; !rest.empty();) {
    std::size_t comma = rest.find_first_of(",;\n");
    std::string_view word = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    if (word.empty()) continue;
    std::uint64_t seed = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seed);
    if (error != std::errc() || end != word.data() + word.size()) {
      return Error(ErrorKind::kInvalidInput,
                   "wanted seeds from 0 to 18446744073709551615, found " + graph::in_quotes(word));
    }
    seeds.push_back(seed);
  }
  if (seeds.empty()) return Error(ErrorKind::kInvalidInput, "wanted at least one seed, found none");
  if (seeds.size() > 1) return seeds;
  // Past the largest it goes on from 0.
  for (std::int64_t i = 1; i < count; ++i) seeds.push_back(seeds.back() + 1);
  return seeds;
}

}  // namespace obscura::workflows
