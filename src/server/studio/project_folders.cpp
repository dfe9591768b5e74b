#include "server/studio/project_folders.h"

#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "base/files.h"
#include "store/connection.h"

namespace obscura::server {

namespace fs = std::filesystem;

fs::path project_folder(const fs::path& data, std::string_view project) {
  return project == store::kDefaultProject ? data : data / "projects" / project;
}

ProjectFolders::ProjectFolders(const fs::path& data, std::string_view project)
    : root(project_folder(data, project)),
      input(root / "input"),
      output(root / "output"),
      temporary(root / "temp"),
      user(root / "user" / "default") {}

const FileArea* ProjectFolders::area(std::string_view type) const {
  if (type == "input") return &input;
  if (type == "output") return &output;
  if (type == "temp") return &temporary;
  return nullptr;
}

Status prepare_project_folder(const fs::path& data, std::string_view project) {
  const fs::path root = project_folder(data, project);
  std::error_code error;
  // Images that were only looked at go, as at ComfyUI's start.
  if (!fs::is_symlink(root / "temp", error)) {
    for (fs::directory_iterator at(root / "temp", error), end; !error && at != end;
         at.increment(error)) {
      std::error_code ignored;
      fs::remove_all(at->path(), ignored);
    }
  }
  std::vector<const char*> names = {"input", "output", "temp", "user/default"};
  if (project != store::kDefaultProject) {
    names.insert(names.end(), {"models/checkpoints", "models/loras"});
  }
  for (const char* name : names) {
    error.clear();
    fs::create_directories(root / name, error);
    if (error) {
      return Error(ErrorKind::kIo, fmt::format("cannot create the folder {}: {}",
                                               (root / name).string(), error.message()));
    }
  }
  return {};
}

void clean_project_folder(const fs::path& data, std::string_view project) {
  for (const char* written : {"input", "output", "user", "models", "results"})
    remove_abandoned_files(project_folder(data, project) / written);
}

}  // namespace obscura::server
