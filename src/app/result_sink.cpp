#include "app/result_sink.h"

#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/numbered_file.h"
#include "server/studio/file_area.h"

namespace obscura::app {
namespace {

std::string media_type_of(const std::string& extension) {
  return server::media_type("made." + extension);
}

}  // namespace

Result<library::StoredFile> ResultSink::hand_over(const graph::NodeRef& node, std::string prefix,
                                                  const std::string& extension,
                                                  std::span<const std::byte> bytes) {
  OBSCURA_CHECK(observer_ != nullptr, "something is made outside of a run");
  OBSCURA_ASSIGN(server::PlacedFile placed,
                 observer_->made({node.id, std::move(prefix), extension, media_type_of(extension),
                                  sha256_hex(bytes), bytes}));
  return library::StoredFile{std::move(placed.filename), std::move(placed.subfolder), "output"};
}

Result<library::StoredFile> ResultSink::store(const library::FinishedImage& image) {
  if (image.temporary) return folders_.store(image);
  OBSCURA_ASSIGN(library::EncodedImage encoded, library::encode(image, false));
  OBSCURA_ASSIGN(library::StoredFile stored, hand_over(image.node, library::expanded_prefix(image),
                                                       image.extension, encoded.bytes));
  stored.left_out = std::move(encoded.left_out);
  return stored;
}

// An animation is written by its node, to a path.
Result<library::StoredFile> ResultSink::store(const library::FinishedFile& file) {
  if (file.temporary || !media_type_of(file.extension).starts_with("image/")) {
    return folders_.store(file);
  }
  OBSCURA_ASSIGN(const std::filesystem::path path,
                 make_numbered_file(temporary_, "made", file.extension, file.write));
  auto stored = [&]() -> Result<library::StoredFile> {
    OBSCURA_ASSIGN(const MappedFile bytes, MappedFile::open(path));
    return hand_over(file.node, library::expanded_prefix(file), file.extension, bytes.bytes());
  }();
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return stored;
}

}  // namespace obscura::app
