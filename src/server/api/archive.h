// A project as one file: a tar archive, by libarchive.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace obscura::server {

// Writes the regular files below `folder` as `prefix`/…, leaving out those at the top called one of
// `skipped`, and the texts as files of their own. Links are left out. kIo if the disk refuses; then
// nothing is left of `target`.
Status write_tar(const std::filesystem::path& target, const std::filesystem::path& folder,
                 const std::string& prefix, const std::vector<std::string>& skipped,
                 const std::vector<std::pair<std::string, std::string>>& texts);

}  // namespace obscura::server
