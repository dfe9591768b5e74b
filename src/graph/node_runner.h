// Runs one node on values that are there: type checks on arrival, mapping over lists, blockers, the
// lazy hook.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/node_call.h"
#include "graph/result_cache.h"
#include "graph/validate.h"

namespace obscura::graph {

// The values of one input, as many as its list has. Empty optional: not given, or lazy and not
// evaluated.
struct GatheredInput {
  const InputSpec* spec = nullptr;
  std::optional<ValueList> values;
};

// Checks what came over links against declared types, bounds and choices.
Status check_arrivals(const ResolvedNode& node, const std::vector<GatheredInput>& inputs,
                      const Environment& environment);

// All calls of the body. Errors are the body's own, or kInternal if it breaks its declaration.
// `blocked` becomes true if a blocker kept any call from happening.
Result<NodeOutcome> run_node(const ResolvedNode& node, const std::vector<GatheredInput>& inputs,
                             const CallContext& context, bool& blocked);

// Indices of the lazy inputs that the hook wants and that are not evaluated yet.
Result<std::vector<std::size_t>> wanted_lazy_inputs(const ResolvedNode& node,
                                                    const std::vector<GatheredInput>& inputs);

// {name: [text, ...]} for error reports.
nlohmann::json describe_inputs(const std::vector<GatheredInput>& inputs);

}  // namespace obscura::graph
