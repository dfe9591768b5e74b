// Which of the nodes that there are is nearest to one that there is not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace obscura::graph {

// The name whose words tell the most of `word`'s, as names of nodes are made of words ("KSampler
// (Efficient)", "UltimateSDUpscale"): none if they share no word of four letters or more.
std::optional<std::string> nearest_by_words(std::string_view word,
                                            const std::vector<std::string>& names);

// "; the nearest is 'KSampler'": by few edits, else by words; or nothing.
std::string node_suggestion(std::string_view word, const std::vector<std::string>& names);

}  // namespace obscura::graph
