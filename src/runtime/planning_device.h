// A device that plans everything and computes nothing: a workflow run on it shows what every
// network of the job would need, exactly, without reading a weight.
//
// Results are zeros, so that whatever depends on sizes alone goes on as in a real run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace obscura::runtime {

// A network as it was planned, in the order in which the job first ran them.
struct PlannedNetwork {
  std::string name;
  std::size_t arena_bytes = 0;
  std::size_t resident_bytes = 0;  // weights that stay, and parameters
  std::size_t streamed_bytes = 0;
  int runs = 0;
};

// Decorates `device`, which lowers the graphs; what is planned goes to `networks` (borrowed).
std::unique_ptr<backend::Device> planning_device(std::unique_ptr<backend::Device> device,
                                                 std::vector<PlannedNetwork>& networks);

}  // namespace obscura::runtime
