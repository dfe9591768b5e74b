// The kinds of errors as words, for machines that read our messages.
#pragma once

#include <string_view>

#include "base/result.h"

namespace obscura {

// "invalid_input", "out_of_memory", …
constexpr std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return "invalid_input";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kOutOfMemory:
      return "out_of_memory";
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kDiskFull:
      return "disk_full";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kDeviceLost:
      return "device_lost";
    case ErrorKind::kNumeric:
      return "numeric";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace obscura
