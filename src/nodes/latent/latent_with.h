// A latent with other samples, as the only output of a node.
#pragma once

#include <utility>

#include "graph/node_call.h"
#include "nodes/sockets.h"
#include "tensor/tensor.h"

namespace obscura::nodes {

inline graph::NodeResult latent_with(pipeline::Latent latent, Tensor samples) {
  latent.samples = std::move(samples);
  return graph::NodeResult{latent_value(std::move(latent))};
}

}  // namespace obscura::nodes
