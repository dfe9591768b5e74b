// How the parts of prompts are found.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace obscura::prompt {

// "0.8", "+1", with space around it; none if it is anything else.
std::optional<double> number_in(std::string_view text);
// The text cut at each occurrence of a word that stands by itself.
std::vector<std::string_view> split_at_word(std::string_view text, std::string_view word);
// Places of a character that no bracket inside of `text` encloses.
std::vector<std::size_t> outer_places(std::string_view text, char wanted);

}  // namespace obscura::prompt
