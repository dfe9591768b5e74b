#include "library/folder_paths.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "base/numbered_file.h"
#include "graph/suggest.h"

namespace obscura::library {
namespace {

constexpr int kDeepest = 16;  // a link that leads back up would otherwise be followed for ever

bool has_extension(const std::filesystem::path& path, std::span<const std::string_view> wanted) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(wanted.begin(), wanted.end(), extension) != wanted.end();
}

}  // namespace

Result<std::filesystem::path> path_below(const std::filesystem::path& root, std::string_view name) {
  if (!is_below(name)) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted the name of a file below its folder, found " + graph::in_quotes(name));
  }
  return root / name;
}

std::vector<std::string> files_below(const std::filesystem::path& root,
                                     std::span<const std::string_view> extensions, bool recursive) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  auto options = fs::directory_options::skip_permission_denied |
                 fs::directory_options::follow_directory_symlink;
  for (fs::recursive_directory_iterator at(root, options, error), end; at != end && !error;
       at.increment(error)) {
    std::error_code ignored;
    bool hidden = at->path().filename().string().starts_with('.');
    if (hidden || !recursive || at.depth() >= kDeepest) at.disable_recursion_pending();
    if (hidden || !at->is_regular_file(ignored) || !has_extension(at->path(), extensions)) continue;
    names.push_back(at->path().lexically_relative(root).generic_string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace obscura::library
