// Runs a graph by the plain definitions of its ops, on one thread, on the host: slow, and the
// oracle that backends and rewrites are measured against.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "ir/graph.h"
#include "tensor/tensor.h"

namespace obscura::ir {

using NamedTensors = std::map<std::string, Tensor, std::less<>>;

// A weight's elements as float32. The result must have spec.shape.
using WeightReader = std::function<Result<Tensor>(const WeightSpec& spec)>;

// The outputs by name. `inputs` holds every input of the graph; an int32 input is given as a Tensor
// of whole numbers. kInvalidInput if an input is missing or has another shape; the reader's errors.
// A result is freed after its last use, a weight after its node. Where the graph says float16 or
// bfloat16, elements are rounded to it and computed with in float32.
//
// `parameters` holds the content of the graph's parameters (zeros for one that is missing) and has,
// after success, that for the next run.
Result<NamedTensors> evaluate(const Graph& graph, const NamedTensors& inputs,
                              const WeightReader& weights, NamedTensors& parameters);
// Of a graph without parameters, or in a first run whose assignments nobody wants.
Result<NamedTensors> evaluate(const Graph& graph, const NamedTensors& inputs,
                              const WeightReader& weights);

}  // namespace obscura::ir
