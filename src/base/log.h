// Log lines for people, on stderr: spdlog behind one include, so that the format and level are set
// in one place.
#pragma once

#include <spdlog/spdlog.h>

namespace obscura::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace obscura::log
