// A checkpoint opened for use: its networks as values that nodes pass around and modify by copying.
//
// Everything is shared and immutable; a network's weights stay in the mapped file until a Program
// needs them. Thread safe.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/cancel.h"
#include "checkpoint/layout.h"
#include "diffusion/noise_schedule.h"
#include "io/safetensors.h"
#include "models/vae/vae.h"
#include "runtime/weight_store.h"

namespace obscura::pipeline {

// The file behind a model.
class ModelFile {
 public:
  // Opens, validates and recognises a checkpoint. `name` is what messages and recipes call it: the
  // path below its folder.
  static Result<std::shared_ptr<const ModelFile>> open(const std::filesystem::path& path,
                                                       std::string name);
  // One that lies in memory for as long as the program runs, with its known digest.
  static Result<std::shared_ptr<const ModelFile>> embedded(std::span<const std::byte> bytes,
                                                           std::string name, std::string sha256);

  const std::string& name() const { return name_; }
  // Differs wherever the content may differ: path, size and time of change.
  const std::string& identity() const { return identity_; }
  const checkpoint::CheckpointLayout& layout() const { return *layout_; }
  const io::SafetensorsFile& file() const { return file_; }
  // Of the whole file; computed when first asked for (about a second a gigabyte) and kept.
  Result<std::string> sha256(const CancelToken& cancel = {}) const;

  // A network's weights. The store keeps this file open.
  static std::shared_ptr<runtime::WeightStore> weights(const std::shared_ptr<const ModelFile>& file,
                                                       checkpoint::ComponentKind kind);

 private:
  ModelFile(io::SafetensorsFile file, std::string name, std::string identity)
      : file_(std::move(file)), name_(std::move(name)), identity_(std::move(identity)) {}
  static Result<std::shared_ptr<const ModelFile>> recognised(ModelFile* opened);

  io::SafetensorsFile file_;
  std::string name_, identity_;
  std::optional<checkpoint::CheckpointLayout> layout_;  // borrows file_
  mutable std::mutex mutex_;
  mutable std::string sha256_;
};

// The socket MODEL.
struct DiffusionModel {
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<runtime::WeightStore> weights;
  models::UNetConfig config;
  models::UNetDimensions dimensions;
  diffusion::NoiseSchedule schedule;
  float latent_scale = 1;  // VAE latents times this are what the network was trained on
};

// The socket CLIP.
struct TextEncoders {
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<runtime::WeightStore> clip_l, clip_g;
  models::TextEncoderConfig clip_l_config, clip_g_config;
  int stop_at_layer = -2;
};

// The socket VAE.
struct Vae {
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<runtime::WeightStore> weights;
  models::VaeDimensions dimensions;
};

struct Checkpoint {
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const TextEncoders> text;
  std::shared_ptr<const Vae> vae;
};

// The networks of an opened file. kInvalidInput if one is missing.
Result<Checkpoint> load_checkpoint(const std::shared_ptr<const ModelFile>& file);

}  // namespace obscura::pipeline
