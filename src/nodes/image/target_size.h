// Sizes that resizing nodes work out from their widgets, by ComfyUI's rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/node_call.h"
#include "tensor/resize.h"

namespace obscura::nodes {

struct Size {
  std::int64_t width = 0, height = 0;
};

// A side that is 0 follows from the other by the proportions of `from`; none is below `smallest`.
Size completed(Size wanted, Size from, std::int64_t smallest);
// Each side times `factor`, rounded half to even.
Size scaled(Size from, double factor);
// "center" or "disabled".
ResizeCrop crop_of(const std::string& name);

// kInvalidInput if a side is 0 or above 16384; kOutOfMemory if `planes` planes of that size do not
// fit.
Status check_target(const graph::NodeCall& call, std::string_view what, std::int64_t planes,
                    Size size);

}  // namespace obscura::nodes
