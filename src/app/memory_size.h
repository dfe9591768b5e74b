// Amounts of memory as people write them.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace obscura::app {

// "8GiB", "8G", "1.5g", "512MiB", "512M", "4096KiB", "123456" (bytes): always powers of 1024.
// kInvalidInput for anything else, and for 0.
Result<std::size_t> parse_memory_size(std::string_view text);

}  // namespace obscura::app
