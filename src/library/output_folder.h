// Writes finished images under ComfyUI's names, `<prefix>_<00001>_.png`: the number
// after the highest there is, whoever else writes into the folder at the same time.
//
// Not thread safe; several processes may share a folder.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>

#include "library/image_sink.h"

namespace obscura::library {

// Replaces %year%, %month%, %day%, %hour%, %minute%, %second%, %width%, %height% and %batch_num%.
std::string expand_prefix(std::string prefix, const std::tm& time, std::int64_t width,
                          std::int64_t height, std::int64_t index);

// The same for what is finished now.
std::string expanded_prefix(const FinishedImage& image);
std::string expanded_prefix(const FinishedFile& file);

// The bytes of its file; `clean`: without a word about how it was made.
Result<EncodedImage> encode(const FinishedImage& image, bool clean);

class OutputFolder final : public ImageSink {
 public:
  struct Options {
    std::filesystem::path root;
    std::filesystem::path temporary;  // for images that are not kept; may be `root`
    // Nothing but pixels in the image; the recipe beside it, as `<name>.recipe.json`.
    bool clean = false;
    // Told of each image once it is there.
    std::function<void(const FinishedImage&, const std::filesystem::path&)> on_stored;
    std::function<void(const FinishedFile&, const std::filesystem::path&)> on_file_stored;
  };
  explicit OutputFolder(Options options) : options_(std::move(options)) {}

  Result<StoredFile> store(const FinishedImage& image) override;
  Result<StoredFile> store(const FinishedFile& file) override;
  bool clean() const override { return options_.clean; }

 private:
  Options options_;
};

}  // namespace obscura::library
