// The model files that a workflow may name: below folders laid out as ComfyUI's (checkpoints,
// loras, vae, …) or A1111's (Stable-diffusion, Lora, VAE, …), and models inside the program itself.
//
// Several roots may be given; where two have a file of one name, the first wins. Files are looked
// for anew each time, so that a model copied into a folder is there at once.
//
// Thread safe once the roots are given. A file's digest is computed in the background from the
// moment it is opened; the destructor stops that.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "io/tensor_file.h"
#include "pipeline/model.h"

namespace obscura::library {

class ModelFolders {
 public:
  ModelFolders() = default;
  ~ModelFolders();
  ModelFolders(const ModelFolders&) = delete;
  ModelFolders& operator=(const ModelFolders&) = delete;

  // A folder that holds kind folders, or one whose `models` does (ComfyUI's own folder), or else a
  // plain folder of checkpoints.
  void add_root(const std::filesystem::path& root);
  // A checkpoint that is always there. A file of the same name on disk is hidden by it: the digest
  // says what the name means.
  void add_embedded(std::string name, std::span<const std::byte> bytes, std::string sha256);

  const std::vector<std::filesystem::path>& roots() const { return roots_; }
  // "checkpoints", "loras", …: what list() and the others take. "diffusers" are folders with a
  // model_index.json; the others are files.
  static std::vector<std::string> kinds();
  // The endings that list() takes for models, with the dot.
  static std::span<const std::string_view> extensions();
  // Names of the files of a kind ("checkpoints", "loras", …) as ComfyUI writes them, sorted, those
  // in the program first.
  std::vector<std::string> list(std::string_view kind) const;
  // kNotFound says where it was looked for and what is nearest.
  Result<std::filesystem::path> find(std::string_view kind, std::string_view name) const;

  // Opens a model, or hands out the one that is open already if the file did not change.
  Result<std::shared_ptr<const pipeline::ModelFile>> open(std::string_view kind,
                                                          std::string_view name);
  // The file as it is, of whatever kind: for questions that need no model.
  Result<io::TensorFile> read(std::string_view kind, std::string_view name) const;
  // What tells one content of the file from another without reading it.
  Result<std::string> identity(std::string_view kind, std::string_view name) const;

  // The digest of the model of this name, of whatever kind; empty if nothing is called so. Kept as
  // long as the file does not change.
  Result<std::string> sha256(std::string_view name, const CancelToken& cancel);
  // The opened model of this name; null if none was opened or it is no longer in use.
  std::shared_ptr<const pipeline::ModelFile> opened(std::string_view name) const;

 private:
  struct Embedded {
    std::string name;
    std::span<const std::byte> bytes;
    std::string sha256;
  };
  const Embedded* embedded(std::string_view name) const;
  std::vector<std::filesystem::path> folders_of(std::string_view kind) const;
  void digest_in_background(std::shared_ptr<const pipeline::ModelFile> file);

  std::vector<std::filesystem::path> roots_;
  std::vector<Embedded> embedded_;
  CancelToken stop_;
  mutable std::mutex mutex_;  // guards what follows
  struct Opened {
    std::string name, identity;
    std::weak_ptr<const pipeline::ModelFile> file;
  };
  std::vector<Opened> opened_;
  std::map<std::string, std::string> digests_by_identity_;
  std::vector<std::thread> digests_;
};

}  // namespace obscura::library
