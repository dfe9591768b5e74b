#include "library/input_folder.h"

#include <fmt/format.h>

#include <array>
#include <system_error>

#include "base/files.h"
#include "base/hash.h"
#include "graph/suggest.h"
#include "library/folder_paths.h"

namespace obscura::library {
namespace {

constexpr std::array<std::string_view, 7> kInputFolderExtensions = {
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".exr"};

// Cuts " [input]" and the like off a name; the word in brackets is left in `folder`.
std::string_view split_annotation(std::string_view name, std::string_view& folder) {
  folder = "input";
  for (std::string_view word : {"input", "output", "temp"}) {
    std::string ending = fmt::format(" [{}]", word);
    if (!name.ends_with(ending)) continue;
    folder = word;
    return name.substr(0, name.size() - ending.size());
  }
  return name;
}

}  // namespace

std::vector<std::string> InputFolder::list() const {
  return files_below(root_, kInputFolderExtensions, false);
}

std::vector<std::string> InputFolder::list_output() const {
  if (output_.empty()) return {};
  std::vector<std::string> names = files_below(output_, kInputFolderExtensions, false);
  for (std::string& name : names) name += " [output]";
  return names;
}

Result<std::filesystem::path> InputFolder::find(std::string_view name) const {
  std::string_view folder;
  std::string_view plain = split_annotation(name, folder);
  const std::filesystem::path& root =
      folder == "input" ? root_ : (folder == "output" ? output_ : temporary_);
  if (root.empty()) {
    return Error(ErrorKind::kNotFound, fmt::format("there is no {} folder to look for {} in",
                                                   folder, graph::in_quotes(plain)));
  }
  OBSCURA_ASSIGN(std::filesystem::path path, path_below(root, plain));
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return path;
  return Error(ErrorKind::kNotFound, fmt::format("no image {} in {}{}", graph::in_quotes(plain),
                                                 root.string(), graph::suggestion(plain, list())));
}

Result<std::string> InputFolder::sha256(std::string_view name) const {
  OBSCURA_ASSIGN(std::filesystem::path path, find(name));
  return sha256_hex_of_file(path);
}

Result<std::string> InputFolder::read_bytes(std::string_view name) {
  OBSCURA_ASSIGN(std::filesystem::path path, find(name));
  OBSCURA_ASSIGN(std::string bytes, read_file(path, kMostImageBytes));
  std::lock_guard lock(mutex_);
  digests_[std::string(name)] = sha256_hex(bytes);
  return bytes;
}

Result<io::Image> InputFolder::read(std::string_view name) {
  OBSCURA_ASSIGN(std::filesystem::path path, find(name));
  OBSCURA_ASSIGN(const std::string bytes, read_bytes(name));
  return io::decode_image(std::as_bytes(std::span(bytes)), path.string());
}

Result<std::vector<io::Image>> InputFolder::read_frames(std::string_view name) {
  OBSCURA_ASSIGN(std::filesystem::path path, find(name));
  OBSCURA_ASSIGN(const std::string bytes, read_bytes(name));
  return io::decode_frames(std::as_bytes(std::span(bytes)), path.string());
}

std::string InputFolder::digest_read(std::string_view name) const {
  std::lock_guard lock(mutex_);
  auto found = digests_.find(name);
  return found == digests_.end() ? "" : found->second;
}

}  // namespace obscura::library
