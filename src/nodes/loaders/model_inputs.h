// What the nodes that load models share.
#pragma once

#include <memory>
#include <string>

#include "graph/node_call.h"
#include "graph/node_type.h"
#include "pipeline/model.h"

namespace obscura::nodes {

// A widget that offers the files of a kind (library/model_folders.h).
graph::InputSpec model_input(const char* name, const char* kind, const char* tooltip);

// Tells the cache when a file of that kind, named by one of the inputs, has changed.
graph::FingerprintHook fingerprint_of(const char* kind, std::initializer_list<const char*> inputs);

// Opens the file that the input names; warns of tensors in it that have no place in a model.
Result<std::shared_ptr<const pipeline::ModelFile>> open_model(const graph::NodeCall& call,
                                                              const char* kind, const char* input);

}  // namespace obscura::nodes
