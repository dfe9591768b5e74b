#include "app/memory_size.h"

#include <cctype>
#include <charconv>
#include <cmath>

#include "graph/suggest.h"

namespace obscura::app {

Result<std::size_t> parse_memory_size(std::string_view text) {
  Error wrong(
      ErrorKind::kInvalidInput,
      "wanted an amount of memory such as 8GiB, 8G or 512MiB, found " + graph::in_quotes(text));
  double amount = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || !std::isfinite(amount)) return wrong;
  std::string unit;
  for (const char* c = end; c != text.data() + text.size(); ++c)
    if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  double factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  int power = 10;
  for (const char* prefix : {"k", "m", "g", "t"}) {
    if (unit == prefix || unit == std::string(prefix) + "b" || unit == std::string(prefix) + "ib")
      factor = std::ldexp(1.0, power);
    power += 10;
  }
  double bytes = amount * factor;
  if (!(bytes >= 1) || bytes > std::ldexp(1.0, 60)) return wrong;
  return static_cast<std::size_t>(bytes);
}

}  // namespace obscura::app
