#include "nodes/host_memory.h"

#include <fmt/format.h>

#include <string>

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
  return Error(ErrorKind::kOutOfMemory,
               fmt::format("{} of {} numbers needs {:.1f} MiB, the memory budget is {:.1f} MiB: "
                           "{:.0f} bytes are lacking",
                           what, shape, bytes / (1 << 20), budget / (1 << 20), bytes - budget));
}

}  // namespace obscura::nodes
