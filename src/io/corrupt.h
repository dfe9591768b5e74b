// The error of a damaged or hostile file.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace obscura::io {

inline Error corrupt(std::string message) {
  return Error(ErrorKind::kCorrupt, std::move(message));
}

}  // namespace obscura::io
