// The ids of jobs, and the time at which things happen with them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace obscura::server {

// Milliseconds since 1970.
std::int64_t now_ms();
// A random UUID, version 4.
std::string new_uuid();
// Whether it is one, with hyphens and in lower case.
bool is_uuid(std::string_view text);

}  // namespace obscura::server
