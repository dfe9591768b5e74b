// What the nodes that encode prompts share.
#pragma once

#include <string_view>

#include "graph/node_call.h"
#include "pipeline/conditioning.h"

namespace obscura::nodes {

// Encodes with the encoders at the input "clip"; passes the prompt's warnings on.
Result<pipeline::Condition> encode(const graph::NodeCall& call, std::string_view text_l,
                                   std::string_view text_g);

}  // namespace obscura::nodes
