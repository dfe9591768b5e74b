#include "server/jobs/result_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "base/files.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/numbered_file.h"
#include "server/studio/file_area.h"
#include "server/studio/project_folders.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;

constexpr int kThumbnailSide = 384;

std::int64_t big_endian(std::span<const std::byte> bytes, std::size_t at) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<int>(bytes[at + i]);
  return value;
}

// Of a PNG, whose sizes stand at a fixed place; other formats are left at 0.
void read_size(std::span<const std::byte> bytes, store::NewResult& result) {
  if (result.media_type != "image/png" || bytes.size() < 24) return;
  result.width = big_endian(bytes, 16);
  result.height = big_endian(bytes, 20);
}

bool is_plain(std::string_view extension) {
  return !extension.empty() && std::all_of(extension.begin(), extension.end(),
                                           [](unsigned char c) { return std::isalnum(c) != 0; });
}

Status write_new(const fs::path& path, std::span<const std::byte> bytes) {
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(file.write(bytes));
  return file.commit_new();
}

// Where the bytes are not there yet; one of their names may have been edited in place.
Status write_once(const fs::path& path, std::span<const std::byte> bytes) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    auto there = MappedFile::open(path);
    if (there.ok() && std::ranges::equal(there->bytes(), bytes) &&
        check_unchanged(there->bytes()).ok())
      return {};
  }
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(file.write(bytes));
  return file.commit();
}

// kInvalidInput if there is something at `path`.
Status link_or_write(const fs::path& content, const fs::path& path,
                     std::span<const std::byte> bytes) {
  std::error_code error;
  fs::create_hard_link(content, path, error);
  if (!error) return {};
  if (error == std::errc::file_exists) {
    return Error(ErrorKind::kInvalidInput, fmt::format("{} is there already", path.string()));
  }
  return write_new(path, bytes);
}

std::string extension_of(const store::NewResult& result) {
  if (result.media_type == "image/jpeg") return ".jpg";
  return result.media_type == "image/png" ? ".png" : ".bin";
}

}  // namespace

fs::path ResultFiles::folder(std::string_view project, std::string_view digest) const {
  return project_folder(data_, project) / "results" / digest.substr(0, 2);
}

fs::path ResultFiles::path(std::string_view project, const store::NewResult& result) const {
  return folder(project, result.digest) / (result.digest + extension_of(result));
}

Result<fs::path> ResultFiles::place(std::string_view project, const MadeFile& file,
                                    const fs::path& content) const {
  const std::string name = file.prefix + "_";
  // An empty prefix, or one that ends with a slash, leaves the file's own name empty.
  if (!is_below(name) || !is_plain(file.extension)) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted the name of a file below its folder, found '{}.{}'",
                             file.prefix, file.extension));
  }
  const fs::path stem = ProjectFolders(data_, project).output.root() / name;
  std::string prefix = stem.filename().string();
  prefix.pop_back();
  std::error_code ignored;
  fs::create_directories(stem.parent_path(), ignored);
  return make_numbered_file(stem.parent_path(), prefix, file.extension, [&](const fs::path& path) {
    return link_or_write(content, path, file.bytes);
  });
}

Result<store::NewResult> ResultFiles::keep(std::string_view project, const MadeFile& file) const {
  const std::string digest = sha256_hex(file.bytes);
  if (digest != file.digest) {
    return Error(ErrorKind::kCorrupt,
                 fmt::format("what node {} made: wanted bytes with the SHA-256 {}, found {}",
                             file.node, file.digest, digest));
  }
  store::NewResult result;
  result.node = file.node;
  result.digest = digest;
  result.media_type = media_type("made." + file.extension);
  if (file.media_type != result.media_type) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("what node {} made: wanted {} of .{}, found {}", file.node,
                             result.media_type, file.extension, file.media_type));
  }
  result.bytes = static_cast<std::int64_t>(file.bytes.size());
  read_size(file.bytes, result);
  const fs::path content = ResultFiles::path(project, result);
  OBSCURA_TRY(write_once(content, file.bytes));
  OBSCURA_ASSIGN(const fs::path placed, place(project, file, content));
  const fs::path root = ProjectFolders(data_, project).output.root();
  const std::string subfolder = placed.parent_path().lexically_relative(root).generic_string();
  result.subfolder = subfolder == "." ? "" : subfolder;
  result.filename = placed.filename().string();
  return result;
}

Result<store::NewResult> ResultFiles::adopt(std::string_view project, const std::string& node,
                                            const std::string& subfolder,
                                            const std::string& filename) const {
  const ProjectFolders folders(data_, project);
  const std::string name = subfolder.empty() ? filename : subfolder + "/" + filename;
  OBSCURA_ASSIGN(fs::path source, folders.output.find(name));
  store::NewResult result;
  result.node = node;
  result.subfolder = subfolder;
  result.filename = filename;
  result.media_type = media_type(source);
  {
    OBSCURA_ASSIGN(MappedFile file, MappedFile::open(source));
    result.digest = sha256_hex(file.bytes());
    result.bytes = static_cast<std::int64_t>(file.bytes().size());
    read_size(file.bytes(), result);
  }
  const fs::path target = path(project, result);
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (!error && !fs::exists(target, error)) {
    fs::create_hard_link(source, target, error);
    if (error && error != std::errc::file_exists) {
      OBSCURA_ASSIGN(MappedFile file, MappedFile::open(source));
      OBSCURA_ASSIGN(AtomicFile copy, AtomicFile::create(target));
      OBSCURA_TRY(copy.write(file.bytes()));
      OBSCURA_TRY(copy.commit());
      error.clear();
    }
  }
  if (error && error != std::errc::file_exists) {
    return Error(ErrorKind::kIo, fmt::format("{}: {}", target.string(), error.message()));
  }
  return result;
}

Result<fs::path> ResultFiles::thumbnail(std::string_view project,
                                        const store::NewResult& result) const {
  const fs::path target = folder(project, result.digest) / (result.digest + ".webp");
  std::error_code error;
  if (fs::is_regular_file(target, error)) return target;
  const fs::path source = path(project, result);
  if (!fs::is_regular_file(source, error)) {
    return Error(ErrorKind::kNotFound, "the file of this result is gone");
  }
  OBSCURA_ASSIGN(MappedFile file, MappedFile::open(source));
  OBSCURA_ASSIGN(
      std::string small,
      studio_.convert({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()},
                      {.format = "webp", .quality = 80, .side = kThumbnailSide}));
  OBSCURA_TRY(write_file_atomically(target, small));
  return target;
}

void ResultFiles::remove(std::string_view project, std::string_view digest) const {
  std::error_code ignored;
  for (const char* ending : {".png", ".jpg", ".bin", ".webp"})
    fs::remove(folder(project, digest) / (std::string(digest) + ending), ignored);
}

void forget_files(const store::ResultStore& results, const ResultFiles& files,
                  std::string_view project, const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) {
    auto used = results.uses(project, digest);
    if (used.ok() && !*used) files.remove(project, digest);
  }
}

}  // namespace obscura::server
