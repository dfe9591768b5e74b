#include "library/output_folder.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/numbered_file.h"
#include "graph/suggest.h"
#include "io/png.h"
#include "library/folder_paths.h"

namespace obscura::library {
namespace {

namespace fs = std::filesystem;

Status write_new(const fs::path& path, std::span<const std::byte> bytes) {
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(file.write(bytes));
  return file.commit_new();
}

std::tm local_time() {
  std::time_t now = std::time(nullptr);
  std::tm time{};
  ::localtime_r(&now, &time);
  return time;
}

}  // namespace

std::string expand_prefix(std::string prefix, const std::tm& time, std::int64_t width,
                          std::int64_t height, std::int64_t index) {
  const std::pair<std::string_view, std::string> tokens[] = {
      {"%year%", std::to_string(time.tm_year + 1900)},
      {"%month%", fmt::format("{:02}", time.tm_mon + 1)},
      {"%day%", fmt::format("{:02}", time.tm_mday)},
      {"%hour%", fmt::format("{:02}", time.tm_hour)},
      {"%minute%", fmt::format("{:02}", time.tm_min)},
      {"%second%", fmt::format("{:02}", time.tm_sec)},
      {"%width%", std::to_string(width)},
      {"%height%", std::to_string(height)},
      {"%batch_num%", std::to_string(index)},
  };
  for (const auto& [token, value] : tokens) {
    for (std::size_t at = prefix.find(token); at != std::string::npos;
         at = prefix.find(token, at)) {
      prefix.replace(at, token.size(), value);
    }
  }
  return prefix;
}

Result<EncodedImage> encode(const FinishedImage& image, bool clean) {
  io::ImageMetadata texts;
  if (!clean) texts = image.metadata;
  if (!clean && image.tells_recipe) texts.push_back({"recipe", image.recipe.dump(-1, ' ', true)});
  if (image.encode) return image.encode(image.pixels, texts);
  const io::PngOptions png{.compression = image.temporary ? 1 : 4};
  OBSCURA_ASSIGN(std::vector<std::byte> bytes, io::encode_png(image.pixels, texts, png));
  return EncodedImage{std::move(bytes), {}};
}

std::string expanded_prefix(const FinishedImage& image) {
  const Shape& shape = image.pixels.shape();
  return expand_prefix(image.prefix, local_time(), shape[1], shape[0], image.index);
}

std::string expanded_prefix(const FinishedFile& file) {
  return expand_prefix(file.prefix, local_time(), 0, 0, 0);
}

Result<StoredFile> OutputFolder::store(const FinishedImage& image) {
  const fs::path& root = image.temporary ? options_.temporary : options_.root;
  // An empty prefix, or one that ends with a slash, leaves the file's own name empty.
  OBSCURA_ASSIGN(fs::path stem, path_below(root, expanded_prefix(image) + "_"));
  std::string prefix = stem.filename().string();
  prefix.pop_back();
  OBSCURA_ASSIGN(EncodedImage encoded, encode(image, options_.clean));
  OBSCURA_ASSIGN(const fs::path path, make_numbered_file(stem.parent_path(), prefix,
                                                         image.extension, [&](const fs::path& at) {
                                                           return write_new(at, encoded.bytes);
                                                         }));
  if (options_.clean) {
    fs::path sidecar = path;
    sidecar.replace_extension(".recipe.json");
    OBSCURA_TRY(write_file_atomically(sidecar, image.recipe.dump(2) + "\n"));
  }
  if (options_.on_stored) options_.on_stored(image, path);
  std::string subfolder = path.parent_path().lexically_relative(root).generic_string();
  return StoredFile{path.filename().string(), subfolder == "." ? "" : subfolder,
                    image.temporary ? "temp" : "output", std::move(encoded.left_out)};
}

Result<StoredFile> OutputFolder::store(const FinishedFile& file) {
  const fs::path& root = file.temporary ? options_.temporary : options_.root;
  OBSCURA_ASSIGN(fs::path stem, path_below(root, expanded_prefix(file) + "_"));
  std::string prefix = stem.filename().string();
  prefix.pop_back();
  std::error_code error;
  fs::create_directories(stem.parent_path(), error);
  OBSCURA_ASSIGN(const fs::path path,
                 make_numbered_file(stem.parent_path(), prefix, file.extension, file.write));
  if (options_.on_file_stored) options_.on_file_stored(file, path);
  std::string subfolder = path.parent_path().lexically_relative(root).generic_string();
  return StoredFile{path.filename().string(), subfolder == "." ? "" : subfolder,
                    file.temporary ? "temp" : "output"};
}

}  // namespace obscura::library
