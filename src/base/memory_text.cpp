#include "base/memory_text.h"

#include <fmt/format.h>

namespace obscura {

std::string memory_text(std::size_t bytes) {
  auto amount = static_cast<double>(bytes);
  if (bytes >= std::size_t{1} << 30) return fmt::format("{:.1f} GiB", amount / (1 << 30));
  if (bytes >= std::size_t{1} << 20) return fmt::format("{:.1f} MiB", amount / (1 << 20));
  if (bytes >= std::size_t{1} << 10) return fmt::format("{:.0f} KiB", amount / (1 << 10));
  return fmt::format("{} bytes", bytes);
}

}  // namespace obscura
