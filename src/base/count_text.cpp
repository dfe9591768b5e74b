#include "base/count_text.h"

#include <fmt/format.h>

namespace obscura {

std::string count_text(std::size_t count, std::string_view one) {
  if (count == 0) return fmt::format("no {}s", one);
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

}  // namespace obscura
