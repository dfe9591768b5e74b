// An error of the system about a file, from errno.
#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace obscura {

// "WHAT PATH: why". kNotFound, kDiskFull or kIo.
inline Error file_error(const std::string& what, const std::filesystem::path& path) {
  const ErrorKind kind = errno == ENOENT                      ? ErrorKind::kNotFound
                         : errno == ENOSPC || errno == EDQUOT ? ErrorKind::kDiskFull
                                                              : ErrorKind::kIo;
  return Error(kind, what + " " + path.string() + ": " + std::strerror(errno));
}

}  // namespace obscura
