// Where a project's files are.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "server/studio/file_area.h"

namespace obscura::server {

// The folder of the project: `data` itself for the default one, so that a ComfyUI folder can be
// served as it is; data/projects/NAME for the others. REQUIRES: a project's name.
std::filesystem::path project_folder(const std::filesystem::path& data, std::string_view project);

// What clients may name files in. A plain value.
struct ProjectFolders {
  ProjectFolders(const std::filesystem::path& data, std::string_view project);

  // "input", "output" or "temp"; null for anything else.
  const FileArea* area(std::string_view type) const;

  std::filesystem::path root;
  FileArea input, output, temporary, user;
};

// Makes the folders that are missing, and empties the temporary one.
Status prepare_project_folder(const std::filesystem::path& data, std::string_view project);

// Deletes what was being written when an earlier process was killed. It looks at every file.
void clean_project_folder(const std::filesystem::path& data, std::string_view project);

}  // namespace obscura::server
