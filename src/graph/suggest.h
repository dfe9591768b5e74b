// How messages show what a user wrote, and what they probably meant.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace obscura::graph {

// `text` with control characters (a terminal would obey them) as '?', cut at `longest` bytes.
std::string printable(std::string_view text, std::size_t longest = 80);

// printable(text) in single quotes.
std::string in_quotes(std::string_view text);

// 'a', 'b', 'c', … at most `most` of them.
std::string list_in_quotes(const std::vector<std::string>& names, std::size_t most = 12);

// The candidate with the fewest edits (insertions, deletions, replacements, swaps of neighbours;
// letter case costs nothing) from `word`, if they are few for its length; the first of equals. A
// path's file name counts alone too, so that 'x.safetensors' finds 'sdxl/x.safetensors'.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

// "; the nearest is 'KSampler'", or nothing.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace obscura::graph
