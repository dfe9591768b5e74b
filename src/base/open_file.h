// Opens files that are read.
#pragma once

#include <sys/stat.h>

#include <filesystem>

#include "base/result.h"

namespace obscura {

// The descriptor of a regular file, which the caller closes; `info` is what the system says of it.
// kNotFound, kIo; kInvalidInput if it is not a regular file.
Result<int> open_regular_file(const std::filesystem::path& path, struct stat& info);

}  // namespace obscura
