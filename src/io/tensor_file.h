// A file, or a folder of files, that holds a model's tensors, whatever its format: safetensors,
// PyTorch's zip files (.ckpt, .pt, .bin), GGUF, sharded safetensors, diffusers' folders. The format
// is told by the content, not by the name.
//
// Tensors stay where they are in the mapped files. Everything that a file says about itself is
// checked when it is opened; nothing in a file is executed. Thread safe once open.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/safetensors.h"

namespace obscura::io {

// What a reader found in a file. `owners` keep the entries' bytes alive, where the caller's do not.
struct TensorTable {
  std::vector<TensorEntry> entries;  // no two of one name
  SafetensorsMetadata metadata;
  std::vector<std::shared_ptr<const void>> owners;
};

class TensorFile {
 public:
  // A file of any of the formats; a list of shards ("….safetensors.index.json"); or a folder, as
  // open_diffusers_folder. Errors begin with the path.
  static Result<TensorFile> open(const std::filesystem::path& path);
  // diffusers' folder of a whole model (the one with model_index.json): the tensors of its `unet`,
  // `vae`, `text_encoder` and `text_encoder_2`, their names behind "unet.", "vae.", …; and as
  // metadata what its scheduler says of the prediction. In each subfolder the half-precision
  // variant and safetensors go first.
  static Result<TensorFile> open_diffusers_folder(const std::filesystem::path& folder);
  // Over bytes that the caller keeps alive. Errors begin with `name`.
  static Result<TensorFile> parse(std::span<const std::byte> bytes, std::string name);

  // The path, or the name given to parse().
  const std::string& name() const { return name_; }
  std::span<const TensorEntry> entries() const { return table_.entries; }
  const TensorEntry* find(std::string_view name) const;
  const SafetensorsMetadata& metadata() const { return table_.metadata; }
  // Whole files, in the order in which they were read.
  std::span<const std::span<const std::byte>> parts() const { return parts_; }
  std::size_t bytes() const;

 private:
  Status add(const std::filesystem::path& path, const std::string& prefix);
  Status add_shards(const std::filesystem::path& index, const std::string& prefix);
  Status add_table(TensorTable table, const std::string& prefix);

  std::string name_;
  TensorTable table_;
  std::vector<std::span<const std::byte>> parts_;
};

// What tells one content of a file or folder from another without reading it: path, size and time
// of change of each file.
Result<std::string> content_identity(const std::filesystem::path& path);

}  // namespace obscura::io
