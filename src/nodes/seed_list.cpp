#include "nodes/seed_list.h"

#include <charconv>

#include "graph/suggest.h"

namespace obscura::nodes {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string_view seed_list_trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

Result<std::vector<std::uint64_t>> parse_seeds(std::string_view text, std::int64_t count) {
  std::vector<std::uint64_t> seeds;
  for (std::string_view rest = text; !rest.empty();) {
    std::size_t comma = rest.find_first_of(",;\n");
    std::string_view word = seed_list_trimmed(rest.substr(0, comma));
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

}  // namespace obscura::nodes
