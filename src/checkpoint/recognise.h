// Recognises a checkpoint by its tensors' names and shapes, never by its file's name.
#pragma once

#include <span>

#include "base/result.h"
#include "checkpoint/layout.h"
#include "io/safetensors.h"

namespace obscura::checkpoint {

// Every network is built once, in small, so that a layout is a promise: its tensors fit together.
// Errors: kUnsupported, saying what the file looks like instead; kInvalidInput naming the place
// where tensors are missing or do not fit. Messages begin with the file's name.
Result<CheckpointLayout> recognise(const io::SafetensorsFile& file);

// The same from a table of contents; entries need no bytes. Messages do not name a file.
Result<CheckpointLayout> recognise(std::span<const io::TensorEntry> entries,
                                   const io::SafetensorsMetadata& metadata);

}  // namespace obscura::checkpoint
