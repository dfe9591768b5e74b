// One call of a network in a pair's file, and what it is to give (pipeline/parity.h).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/network_kind.h"
#include "io/tensor_file.h"
#include "ir/graph.h"
#include "pipeline/network.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

struct ParityWanted {
  std::string name;  // without what stands before it: "eps_0.8", "input_blocks.4.1"
  const io::TensorEntry* entry;
};

struct ParityCase {
  std::string name;  // empty: the file's only one, or its first
  std::map<std::string, const io::TensorEntry*, std::less<>> inputs;
  std::vector<ParityWanted> outputs, places;
};

// The file's calls, the one without a name first. kInvalidInput if there is none.
Result<std::vector<ParityCase>> parity_cases(const io::TensorFile& pair);

// A stored tensor as networks have it: images (N, H, W, C).
Tensor network_tensor(const io::TensorEntry& entry);
// Shapes of what is given, for the graph to be built for.
checkpoint::InputShapes input_shapes(const ParityCase& given);
// A value for each of the graph's inputs, worked out from others where it follows from them.
// kInvalidInput naming what is missing or of another shape.
Result<std::vector<NamedInput>> inputs_for(const ir::Graph& graph, const ParityCase& given);

}  // namespace obscura::pipeline
