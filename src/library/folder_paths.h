// Names of files below a folder, as workflows write them: relative, with forward slashes, and never
// leading out of the folder.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::library {

// root / name. kInvalidInput if the name is empty, absolute, has a component ".." or a zero byte.
// Links inside of the folder may lead elsewhere: whoever made them owns the folder.
Result<std::filesystem::path> path_below(const std::filesystem::path& root, std::string_view name);

// Relative names of the files below `root` whose extension (lower case, with the dot) is one of
// `extensions`, sorted. Folders that cannot be read and hidden files are left out; no root, no
// files.
std::vector<std::string> files_below(const std::filesystem::path& root,
                                     std::span<const std::string_view> extensions,
                                     bool recursive = true);

}  // namespace obscura::library
