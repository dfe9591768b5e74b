// Refuses results that this machine cannot hold before their memory is asked for: the system would
// grant it and end the process later.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/result.h"
#include "graph/node_call.h"

namespace obscura::nodes {

// kOutOfMemory, naming `what` and how much is lacking, if float32 elements of these sizes
// need more than the session's budget.
Status check_fits(const graph::NodeCall& call, std::string_view what,
                  std::initializer_list<std::int64_t> sizes);

}  // namespace obscura::nodes
