#include "graph/suggest.h"

#include <algorithm>
#include <cctype>

namespace obscura::graph {
namespace {

// Longer words come from an attack, not from a typing error.
constexpr std::size_t kLongestWord = 128;

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Optimal string alignment distance, three rows at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replace, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::size_t end = std::min(text.size(), longest);
  // Not in the middle of a UTF-8 sequence.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  std::string result(text.substr(0, end));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (end < text.size()) result += "…";
  return result;
}

std::string in_quotes(std::string_view text) {
  return "'" + printable(text) + "'";
}

std::string list_in_quotes(const std::vector<std::string>& names, std::size_t most) {
  std::string result;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) {
    if (i > 0) result += ", ";
    result += in_quotes(names[i]);
  }
  if (names.size() > most) result += ", … (" + std::to_string(names.size()) + " in all)";
  return result;
}

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::string wanted = lower_case(word);
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::string lower = lower_case(candidate);
    std::size_t distance = edit_distance(wanted, lower);
    if (file_name(wanted) != wanted || file_name(lower) != lower) {
      // One more than the bare names, so that the same folder wins.
      distance = std::min(distance, edit_distance(file_name(wanted), file_name(lower)) + 1);
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  if (!best) return std::nullopt;
  return *best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> found = nearest(word, candidates);
  return found ? "; the nearest is " + in_quotes(*found) : "";
}

}  // namespace obscura::graph
