#include "server/studio/file_area.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/files.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;

constexpr int kMostCopies = 10'000;

bool is_below(const fs::path& path, const fs::path& root) {
  auto [end, rest] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end == root.end();
}

bool holds(const fs::path& path, std::string_view content) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != content.size()) {
    return false;
  }
  auto file = read_file(path, content.size());
  return file.ok() && *file == content;
}

}  // namespace

Result<fs::path> FileArea::resolve(std::string_view name) const {
  auto refuse = [&](std::string_view why) {
    return Error(ErrorKind::kInvalidInput, fmt::format("file name '{}': {}", name, why));
  };
  if (name.empty()) return refuse("it is empty");
  if (name.size() > 1024) return Error(ErrorKind::kInvalidInput, "the file name is too long");
  for (unsigned char c : name)
    if (c < 0x20 || c == 0x7f || c == '\\') {
      return Error(ErrorKind::kInvalidInput,
                   "the file name has a backslash or a control character");
    }
  const fs::path relative(name);
  if (relative.is_absolute()) return refuse("wanted a name relative to its folder");
  for (const fs::path& part : relative)
    if (part == "..") return refuse("it leads out of its folder");
  // What of the path exists is followed through its links before it is compared.
  std::error_code error;
  const fs::path root = fs::weakly_canonical(root_, error);
  if (error) return Error(ErrorKind::kIo, fmt::format("{}: {}", root_.string(), error.message()));
  const fs::path path = fs::weakly_canonical(root / relative, error);
  if (error) return refuse(error.message());
  if (!is_below(path, root)) return refuse("it leads out of its folder");
  return path;
}

Result<fs::path> FileArea::resolve_file(std::string_view name) const {
  OBSCURA_ASSIGN(fs::path path, resolve(name));
  auto refuse = [&](std::string_view why) {
    return Error(ErrorKind::kInvalidInput, fmt::format("file name '{}': {}", name, why));
  };
  std::error_code error;
  if (fs::is_directory(path, error)) return refuse("it is that of a folder");
  fs::path above = path.parent_path();
  while (!fs::exists(above, error) && above.has_relative_path()) above = above.parent_path();
  if (!fs::is_directory(above, error)) return refuse("it leads through a file");
  return path;
}

Result<fs::path> FileArea::find(std::string_view name) const {
  OBSCURA_ASSIGN(fs::path path, resolve(name));
  std::error_code error;
  if (fs::is_regular_file(path, error)) return path;
  return Error(ErrorKind::kNotFound, fmt::format("there is no file '{}'", name));
}

Result<std::string> FileArea::store(std::string_view subfolder, std::string_view name,
                                    std::string_view content, bool overwrite) const {
  const fs::path given(name);
  if (given.filename() != given || name.empty() || name == "." || name == "..") {
    return Error(ErrorKind::kInvalidInput, fmt::format("'{}' is not the name of a file", name));
  }
  for (int copy = 0; copy < kMostCopies; ++copy) {
    const std::string candidate = copy == 0 ? std::string(name)
                                            : fmt::format("{} ({}){}", given.stem().string(), copy,
                                                          given.extension().string());
    OBSCURA_ASSIGN(fs::path path, resolve_file((fs::path(subfolder) / candidate).generic_string()));
    if (holds(path, content)) return candidate;
    OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
    OBSCURA_TRY(file.write(content));
    if (overwrite) {
      OBSCURA_TRY(file.commit());
      return candidate;
    }
    Status stored = file.commit_new();
    if (stored.ok()) return candidate;
    if (stored.error().kind() != ErrorKind::kInvalidInput) return stored.error();
  }
  return Error(ErrorKind::kIo, fmt::format("there are too many files called '{}'", name));
}

std::string media_type(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (extension == ".png") return "image/png";
  if (extension == ".jpg" || extension == ".jpeg") return "image/jpeg";
  if (extension == ".webp") return "image/webp";
  if (extension == ".gif") return "image/gif";
  if (extension == ".tif" || extension == ".tiff") return "image/tiff";
  if (extension == ".exr") return "image/x-exr";
  if (extension == ".mp4") return "video/mp4";
  if (extension == ".webm") return "video/webm";
  if (extension == ".json") return "application/json";
  if (extension == ".txt") return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

}  // namespace obscura::server
