// A folder of which clients may name files, and nothing outside of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura::server {

// A plain value; thread safe.
class FileArea {
 public:
  explicit FileArea(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }

  // root / name, whether it is there or not. kInvalidInput if the name is empty, absolute, has a
  // "..", a backslash or a control character; or if links lead it out of the root.
  Result<std::filesystem::path> resolve(std::string_view name) const;
  // The same for a file to be written: kInvalidInput too if that is a folder, or below a file.
  Result<std::filesystem::path> resolve_file(std::string_view name) const;
  // An existing regular file; kNotFound if there is none.
  Result<std::filesystem::path> find(std::string_view name) const;

  // Stores an upload under `subfolder` / `name`. An equal file that is there already is used; a
  // different one is replaced if `overwrite`, else the new one becomes "name (1).ext". The name it
  // got.
  Result<std::string> store(std::string_view subfolder, std::string_view name,
                            std::string_view content, bool overwrite) const;

 private:
  std::filesystem::path root_;
};

// The type of a file by its extension, as far as browsers may show it; anything else, HTML and SVG
// included, is "application/octet-stream".
std::string media_type(const std::filesystem::path& path);

}  // namespace obscura::server
