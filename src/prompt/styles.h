// AUTOMATIC1111's styles: texts that are put on a prompt by their name, kept in styles.csv.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obscura::prompt {

struct Style {
  std::string name, prompt, negative_prompt;
};

// The rows of the file that have a name; its heading is none.
std::vector<Style> parse_styles(std::string_view csv);

// The prompt put where the style says {prompt}, else the style behind it.
std::string with_style(const std::string& text, const std::string& style);

}  // namespace obscura::prompt
