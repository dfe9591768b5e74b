// Finds the networks in a file, whatever it calls them.
#pragma once

#include <vector>

#include "base/result.h"
#include "checkpoint/family.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// The networks of all kinds that are run, at most one of each, by the order of their kinds. The
// namings are LDM's (Stability AI's, CompVis'), diffusers' and Hugging Face's, each with the
// prefixes that whole checkpoints have, or without one, as in a file of that network alone.
std::vector<Component> find_networks(const TensorNames& names);

// The family of a file's networks. Null if it has neither a U-Net nor text encoders that tell.
// kUnsupported for a U-Net of no known family.
Result<const Family*> find_family(const std::vector<Component>& networks);

}  // namespace obscura::checkpoint
