// Comma-separated values, as spreadsheets write them (RFC 4180): fields may be quoted, quotes
// within are doubled, lines may end either way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obscura::prompt {

std::vector<std::vector<std::string>> parse_csv(std::string_view text);

}  // namespace obscura::prompt
