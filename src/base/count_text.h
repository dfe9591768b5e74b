// Numbers of things as people read them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace obscura {

// "no layers", "1 layer", "722 layers". `one` is a noun that takes an s.
std::string count_text(std::size_t count, std::string_view one);

}  // namespace obscura
