// The pocket model: the small SDXL that travels inside the program (models/pocket/README.md), byte
// for byte a safetensors file. It is opened like any other checkpoint; nothing downstream knows
// that it was not on a disk.
//
// Only programs that link obscura_pocket carry its 53 MB: name `pocket` in obscura_link_layers or
// obscura_tests.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace obscura::checkpoint {

// The name by which a workflow's checkpoint loader asks for it.
inline constexpr std::string_view kPocketModelName = "pocket-xl-base.safetensors";

// The file's bytes: part of the program's own read-only mapping, page-aligned, valid for ever.
// Thread safe.
std::span<const std::byte> pocket_model();

}  // namespace obscura::checkpoint
