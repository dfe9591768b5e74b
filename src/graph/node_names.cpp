#include "graph/node_names.h"

#include <algorithm>
#include <cctype>

#include "graph/suggest.h"

namespace obscura::graph {
namespace {

// The words of "UltimateSDUpscale" and "KSampler (Efficient)", in lower case: they end where a
// small letter is followed by a large one, before the last of several large ones, and at other
// signs.
std::vector<std::string> words_of(std::string_view name) {
  auto is = [&](std::size_t i, int (*kind)(int)) {
    return i < name.size() && kind(static_cast<unsigned char>(name[i])) != 0;
  };
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool large = is(i, std::isupper) && (!is(i - 1, std::isupper) || is(i + 1, std::islower));
    if ((large || !is(i, std::isalnum)) && !words.back().empty()) words.emplace_back();
    if (is(i, std::isalnum))
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return words;
}

}  // namespace

std::optional<std::string> nearest_by_words(std::string_view word,
                                            const std::vector<std::string>& names) {
  constexpr std::size_t kLeast = 4, kLongestName = 128;
  if (word.size() > kLongestName) return std::nullopt;
  const std::vector<std::string> wanted = words_of(word);
  // Shared letters count twice for a name, its others once against it.
  std::ptrdiff_t best_score = 0;
  const std::string* best = nullptr;
  for (const std::string& candidate : names) {
    std::size_t shared = 0, longest = 0, all = 0;
    for (const std::string& own : words_of(candidate)) {
      all += own.size();
      if (std::find(wanted.begin(), wanted.end(), own) == wanted.end()) continue;
      shared += own.size();
      longest = std::max(longest, own.size());
    }
    const auto score = static_cast<std::ptrdiff_t>(3 * shared) - static_cast<std::ptrdiff_t>(all);
    if (longest < kLeast || (best != nullptr && score <= best_score)) continue;
    best_score = score;
    best = &candidate;
  }
  return best ? std::optional(*best) : std::nullopt;
}

std::string node_suggestion(std::string_view word, const std::vector<std::string>& names) {
  std::string by_edits = suggestion(word, names);
  if (!by_edits.empty()) return by_edits;
  const auto found = nearest_by_words(word, names);
  return found ? "; the nearest is " + in_quotes(*found) : "";
}

}  // namespace obscura::graph
