// Says what a file is that holds no network which Obscura runs.
#pragma once

#include "base/result.h"
#include "checkpoint/network_kind.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// The kind of such a file; nullptr if it is none that Obscura knows.
const NetworkKind* known_by_sight(const TensorNames& names);

// kUnsupported. Names the kind of file and, where one exists, the folder it belongs into.
Error refuse_foreign_file(const TensorNames& names);

}  // namespace obscura::checkpoint
