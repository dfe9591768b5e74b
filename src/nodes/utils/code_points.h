// Texts as code points, which positions and lengths count as Python's do; case follows Unicode's
// simple mappings.
#pragma once

#include <string>
#include <string_view>

namespace obscura::nodes {

// A byte that is no UTF-8 counts as U+FFFD.
std::u32string code_points(const std::string& text);
std::string utf8(std::u32string_view points);

char32_t upper(char32_t point);
char32_t lower(char32_t point);
std::u32string lowered(std::u32string points);
bool is_letter(char32_t point);
bool is_space(char32_t point);

}  // namespace obscura::nodes
