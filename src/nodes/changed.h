// A value of an input with something about it changed, as the only output of a node. What came in
// is left as it is: it may be shared.
#pragma once

#include <memory>
#include <utility>

#include "graph/node_call.h"
#include "graph/value.h"
#include "pipeline/model.h"

namespace obscura::nodes {

// `change` gets the copy. `socket` is both the input's type and the output's.
template <class T, class Change>
graph::NodeResult changed(const graph::NodeCall& call, const char* input, const char* socket,
                          const Change& change) {
  auto copy = std::make_shared<T>(call.get<T>(input));
  change(*copy);
  return graph::NodeResult{graph::Value::handle<T>(socket, std::move(copy))};
}

// The model at the input "model".
template <class Change>
graph::NodeResult changed_model(const graph::NodeCall& call, const Change& change) {
  return changed<pipeline::DiffusionModel>(call, "model", "MODEL", change);
}

}  // namespace obscura::nodes
