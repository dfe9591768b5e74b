// Where finished images go: into a folder, or, when a recipe is verified, no further than memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/node_call.h"
#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::library {

struct EncodedImage {
  std::vector<std::byte> bytes;
  std::vector<std::string> left_out;  // keys of texts that the format cannot hold
};
// Makes a file's bytes of pixels and texts. Outlives the job that made it.
using ImageEncoder =
    std::function<Result<EncodedImage>(const Tensor& pixels, const io::ImageMetadata& texts)>;

struct FinishedImage {
  graph::NodeRef node;     // that saves it
  std::string prefix;      // of its name, tokens not yet replaced
  bool temporary = false;  // for looking at, not for keeping
  std::int64_t index = 0;  // in its batch
  Tensor pixels;           // (H, W, 3 or 4) in 0…1
  std::string pixel_sha256;
  std::optional<std::uint64_t> seed;
  io::ImageMetadata metadata;     // what other programs look for: prompt, workflow, parameters
  nlohmann::ordered_json recipe;  // what `obscura verify` needs
  bool tells_recipe = true;       // the recipe becomes one of the texts
  std::string extension = "png";
  ImageEncoder encode;  // empty: 8-bit PNG
};

// A result that is no image: a latent, a model, an animation.
struct FinishedFile {
  graph::NodeRef node;
  std::string prefix;     // as FinishedImage::prefix
  std::string extension;  // "safetensors"
  bool temporary = false;
  // Writes the file, whole or not at all, at the path that was found for it.
  std::function<Status(const std::filesystem::path&)> write;
};

// As ComfyUI's `ui` names it.
struct StoredFile {
  std::string filename, subfolder, type;
  std::vector<std::string> left_out = {};  // as EncodedImage::left_out
};

class ImageSink {
 public:
  virtual ~ImageSink() = default;
  virtual Result<StoredFile> store(const FinishedImage& image) = 0;
  virtual Result<StoredFile> store(const FinishedFile& file) = 0;
  // Files are to hold no word about how they were made.
  virtual bool clean() const { return false; }
};

}  // namespace obscura::library
