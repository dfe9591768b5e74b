// Branches beside layers: a LoRA (arXiv:2106.09685) that is part of the graph instead of being
// merged into the weights.
//
//   y + strength * up(down(x))
//
// Which branches there are, the weights say (ir::WeightIndex::branches). Each is a source of
// weights with "PLACE.down" (rank, in, …), shaped as the layer's own weight, and "PLACE.up" (out,
// rank) or (out, rank, 1, 1) for the places that it is about. Its strength is a steady input (1) of
// the graph that bears the source's name, so that another strength prepares no weight anew.
#pragma once

#include "ir/conv2d.h"
#include "nn/scope.h"

namespace obscura::nn {

// `y`, which a layer at this place made of x, with what the branches there add. Convolutions give
// their stride and padding. For layers of the network's own weights.
ir::ValueId with_branches(const Scope& at, ir::ValueId x, ir::ValueId y, int stride = 1,
                          ir::Padding padding = {});

}  // namespace obscura::nn
