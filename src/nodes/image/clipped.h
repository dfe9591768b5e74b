// Images as results of nodes that may have left 0…1.
#pragma once

#include <algorithm>
#include <utility>

#include "graph/node_call.h"
#include "nodes/sockets.h"
#include "tensor/tensor.h"

namespace obscura::nodes {

inline graph::NodeResult clipped(Tensor image) {
  for (float& value : image.values()) value = std::clamp(value, 0.0f, 1.0f);
  return graph::NodeResult{image_value(std::move(image))};
}

}  // namespace obscura::nodes
