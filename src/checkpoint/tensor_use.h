// Finds out what a file's networks read, by building them.
#pragma once

#include <span>
#include <unordered_set>

#include "base/result.h"
#include "checkpoint/ignored_tensors.h"
#include "checkpoint/layout.h"
#include "ir/graph.h"

namespace obscura::checkpoint {

class TensorUse {
 public:
  // Notes the weights that a network of `component` reads. The network's error, if it could not be
  // built; kUnsupported for a weight whose numbers are not floating-point.
  Status add(const Component& component, const Result<ir::Graph>& network);

  // Sorts all of a file's entries, in their order.
  TensorReport report(std::span<const io::TensorEntry> entries,
                      std::span<const IgnoredTensors> ignored) const;

 private:
  std::unordered_set<const io::TensorEntry*> used_;
};

}  // namespace obscura::checkpoint
