#include "nodes/host_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/memory_text.h"
#include "runtime/session.h"

namespace obscura::nodes {

Status check_fits(const graph::NodeCall& call, std::string_view what,
                  std::initializer_list<std::int64_t> sizes) {
  const auto* session = call.find_environment<runtime::Session>();
  if (session == nullptr) return {};
  double bytes = sizeof(float);
  std::string shape;
  for (std::int64_t size : sizes) {
    bytes *= static_cast<double>(size);
    shape += (shape.empty() ? "" : "x") + std::to_string(size);
  }
  double budget = static_cast<double>(session->budget());
  if (bytes <= budget) return {};
  // Sizes beyond what an address can be are all alike.
  auto text = [](double amount) {
    return memory_text(static_cast<std::size_t>(std::min(amount, 0x1p63)));
  };
  return Error(ErrorKind::kOutOfMemory,
               fmt::format("{} of {} numbers needs {}, the memory budget is {}: {} are lacking",
                           what, shape, text(bytes), text(budget), text(bytes - budget)));
}

}  // namespace obscura::nodes
