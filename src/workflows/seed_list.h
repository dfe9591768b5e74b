// Seeds written as text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::workflows {

// "7, 8, 100" are those seeds; a single "7" counts up: 7, 8, 9, … for `count` images. kInvalidInput
// for anything that is no seed (0 to 2^64 - 1), or if there is none.
Result<std::vector<std::uint64_t>> parse_seeds(std::string_view text, std::int64_t count);

}  // namespace obscura::workflows
