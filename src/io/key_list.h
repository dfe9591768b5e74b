// Tensor lists: what a checkpoint holds, without what is in it. One tensor a line,
// "name<TAB>dtype<TAB>d0,d1,…", the last part empty for a scalar; models/keys/ has those of the
// published checkpoints.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/safetensors_writer.h"

namespace obscura::io {

// kInvalidInput, with the line, for what is not such a list. `name` is what messages call it.
Result<std::vector<TensorDeclaration>> parse_key_list(std::string_view text,
                                                      const std::string& name);
Result<std::vector<TensorDeclaration>> read_key_list(const std::filesystem::path& path);

}  // namespace obscura::io
