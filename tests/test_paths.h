// Where tests find what they read: the checkout that they were built from, and reference data that
// the build unpacked.
#pragma once

#include <filesystem>
#include <string_view>

namespace obscura {

// `name` below the checkout: "docs/openapi.json".
std::filesystem::path source_path(std::string_view name);
// A file of tests/golden that is kept packed, as the build unpacked it: "noise.safetensors".
std::filesystem::path unpacked_golden_path(std::string_view name);

}  // namespace obscura
