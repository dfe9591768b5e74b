// What the nodes that resize read from their widgets, and refuse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/node_call.h"
#include "image/size.h"
#include "tensor/resize.h"

namespace obscura::nodes {

// "center" or "disabled".
ResizeCrop crop_of(const std::string& name);

// kInvalidInput if a side is 0 or above 16384; kOutOfMemory if `planes` planes of that size do not
// fit.
Status check_target(const graph::NodeCall& call, std::string_view what, std::int64_t planes,
                    image::Size size);

}  // namespace obscura::nodes
