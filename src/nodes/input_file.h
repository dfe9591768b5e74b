// Hooks of nodes with an input that names a file of the input folder.
#pragma once

#include "graph/node_type.h"

namespace obscura::nodes {

// Tells the cache when the file has changed.
graph::FingerprintHook fingerprint_of_input_file(const char* input);
// Names in subfolders and of other folders are allowed beside those of the list.
graph::ValidateHook validate_input_file(const char* input);

}  // namespace obscura::nodes
