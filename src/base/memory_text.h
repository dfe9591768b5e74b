// Amounts of memory as people read them.
#pragma once

#include <cstddef>
#include <string>

namespace obscura {

// "7.4 GiB", "53.1 MiB", "12 KiB", "512 bytes".
std::string memory_text(std::size_t bytes);

}  // namespace obscura
