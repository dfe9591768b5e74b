// Amounts of memory as people write and read them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura::app {

// "8GiB", "8G", "1.5g", "512MiB", "512M", "4096KiB", "123456" (bytes): always powers of 1024.
// kInvalidInput for anything else, and for 0.
Result<std::size_t> parse_memory_size(std::string_view text);

// "7.42 GiB", "53.1 MiB", "12 KiB", "512 bytes".
std::string memory_text(std::size_t bytes);

}  // namespace obscura::app
