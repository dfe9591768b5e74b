// The images that a workflow may read, by ComfyUI's names: a path below the input folder, or
// "name [output]" and "name [temp]" for what was made before.
//
// Thread safe once the folders are set.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/image.h"

namespace obscura::library {

class InputFolder {
 public:
  explicit InputFolder(std::filesystem::path root) : root_(std::move(root)) {}
  // Where "[output]" and "[temp]" lead; without it such names are refused.
  void set_output(std::filesystem::path output, std::filesystem::path temporary) {
    output_ = std::move(output);
    temporary_ = std::move(temporary);
  }

  const std::filesystem::path& root() const { return root_; }
  // The images directly in the input folder, sorted, as ComfyUI lists them.
  std::vector<std::string> list() const;
  // Those directly in the output folder, as names of workflows: "ComfyUI_00001_.png [output]".
  std::vector<std::string> list_output() const;
  // kNotFound says where it was looked for and what is nearest.
  Result<std::filesystem::path> find(std::string_view name) const;
  // The digest of the file's bytes.
  Result<std::string> sha256(std::string_view name) const;
  // Keeps the file's digest too, for the recipe.
  Result<std::string> read_bytes(std::string_view name);
  // The same, and decodes the image; or all that the file holds.
  Result<io::Image> read(std::string_view name);
  Result<std::vector<io::Image>> read_frames(std::string_view name);
  // Of the image as it was when last read; empty if it was not.
  std::string digest_read(std::string_view name) const;

 private:
  std::filesystem::path root_, output_, temporary_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> digests_;  // guarded by mutex_
};

}  // namespace obscura::library
