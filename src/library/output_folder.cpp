#include "library/output_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/files.h"
#include "graph/suggest.h"
#include "io/png.h"
#include "library/folder_paths.h"

namespace obscura::library {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLastNumber = 9'999'999'999;
constexpr int kMostCollisions = 1000;

// The number in `<prefix>_<digits>_…`, or 0.
std::int64_t number_in(std::string_view file, std::string_view prefix) {
  if (!file.starts_with(prefix) || file.size() <= prefix.size() || file[prefix.size()] != '_') {
    return 0;
  }
  std::string_view rest = file.substr(prefix.size() + 1);
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  bool whole = error == std::errc() && end != rest.data() + rest.size() && *end == '_';
  return whole && number > 0 && number < kLastNumber ? number : 0;
}

std::int64_t highest_number(const fs::path& folder, const std::string& prefix) {
  std::int64_t highest = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    highest = std::max(highest, number_in(at->path().filename().string(), prefix));
  }
  return highest;
}

Status write_new(const fs::path& path, std::span<const std::byte> bytes) {
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(file.write(bytes));
  return file.commit_new();
}

Result<EncodedImage> encoded_image(const FinishedImage& image, bool clean) {
  io::ImageMetadata texts;
  if (!clean) texts = image.metadata;
  if (!clean && image.tells_recipe) texts.push_back({"recipe", image.recipe.dump(-1, ' ', true)});
  if (image.encode) return image.encode(image.pixels, texts);
  const io::PngOptions png{.compression = image.temporary ? 1 : 4};
  OBSCURA_ASSIGN(std::vector<std::byte> bytes, io::encode_png(image.pixels, texts, png));
  return EncodedImage{std::move(bytes), {}};
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

Result<StoredFile> OutputFolder::store(const FinishedImage& image) {
  const Shape& shape = image.pixels.shape();
  const std::string name =
      expand_prefix(image.prefix, local_time(), shape[1], shape[0], image.index);
  const fs::path& root = image.temporary ? options_.temporary : options_.root;
  // An empty prefix, or one that ends with a slash, leaves the file's own name empty.
  OBSCURA_ASSIGN(fs::path stem, path_below(root, name + "_"));
  std::string prefix = stem.filename().string();
  prefix.pop_back();

  OBSCURA_ASSIGN(EncodedImage encoded, encoded_image(image, options_.clean));
  std::int64_t number = highest_number(stem.parent_path(), prefix);
  fs::path path;
  Status written;
  for (int i = 0; i < kMostCollisions; ++i) {
    path = stem.parent_path() / fmt::format("{}_{:05}_.{}", prefix, ++number, image.extension);
    written = write_new(path, encoded.bytes);
    std::error_code error;
    // Another process may have taken the number since the folder was read.
    bool taken = !written.ok() && written.error().kind() == ErrorKind::kInvalidInput &&
                 fs::exists(path, error);
    if (!taken) break;
  }
  OBSCURA_TRY(written);
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
  OBSCURA_ASSIGN(fs::path stem,
                 path_below(root, expand_prefix(file.prefix, local_time(), 0, 0, 0) + "_"));
  std::string prefix = stem.filename().string();
  prefix.pop_back();
  std::error_code error;
  fs::create_directories(stem.parent_path(), error);
  const std::int64_t number = highest_number(stem.parent_path(), prefix) + 1;
  fs::path path = stem.parent_path() / fmt::format("{}_{:05}_.{}", prefix, number, file.extension);
  OBSCURA_TRY(file.write(path));
  if (options_.on_file_stored) options_.on_file_stored(file, path);
  std::string subfolder = path.parent_path().lexically_relative(root).generic_string();
  return StoredFile{path.filename().string(), subfolder == "." ? "" : subfolder,
                    file.temporary ? "temp" : "output"};
}

}  // namespace obscura::library
