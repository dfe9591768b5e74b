// Finds the networks in a file, whatever it calls them.
#pragma once

#include <vector>

#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// The namings are LDM's (Stability AI's, CompVis'), diffusers' and Hugging Face's, each with the
// prefixes that whole checkpoints have, or without one, as in a file of that network alone. At most
// one network of each kind; which text encoder it is follows from the prefix, or else from its
// size.
std::vector<Component> find_networks(const TensorNames& names);

// The family of a file's networks. kNone if it has neither a U-Net nor text encoders that tell.
// kUnsupported for a U-Net of no known family.
Result<Architecture> find_architecture(const std::vector<Component>& networks);

}  // namespace obscura::checkpoint
