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
#include <vector>

#include "base/cancel.h"
#include "checkpoint/family.h"
#include "checkpoint/layout.h"
#include "diffusion/noise_schedule.h"
#include "io/tensor_file.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"
#include "models/vae/vae.h"
#include "pipeline/patches.h"
#include "runtime/weight_store.h"

namespace obscura::pipeline {

// The file behind a model, or diffusers' folder: a whole checkpoint or some networks of one.
class ModelFile {
 public:
  // Opens, validates and recognises a file of any format, or a folder. `name` is what messages and
  // recipes call it: the path below its folder.
  static Result<std::shared_ptr<const ModelFile>> open(const std::filesystem::path& path,
                                                       std::string name);
  // One that lies in memory for as long as the program runs, with its known digest.
  static Result<std::shared_ptr<const ModelFile>> embedded(std::span<const std::byte> bytes,
                                                           std::string name, std::string sha256);

  const std::string& name() const { return name_; }
  // Differs wherever the content may differ: path, size and time of change.
  const std::string& identity() const { return identity_; }
  const checkpoint::CheckpointLayout& layout() const { return *layout_; }
  const io::TensorFile& file() const { return file_; }
  // Of the whole file, or of all files of a folder one after another; computed when first asked for
  // (about a second a gigabyte) and kept.
  Result<std::string> sha256(const CancelToken& cancel = {}) const;

  // A network's weights. The store keeps this file open.
  static std::shared_ptr<runtime::WeightStore> weights(const std::shared_ptr<const ModelFile>& file,
                                                       const checkpoint::NetworkKind& kind);

 private:
  ModelFile(io::TensorFile file, std::string name, std::string identity)
      : file_(std::move(file)), name_(std::move(name)), identity_(std::move(identity)) {}
  static Result<std::shared_ptr<const ModelFile>> recognised(ModelFile* opened);

  io::TensorFile file_;
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
  const checkpoint::Family* family = &checkpoint::families().front();  // never null
  ModelPatches patches = {};  // what nodes changed about it

  // Channels of a latent: the network may take a mask and an image besides (Condition::concat).
  std::int64_t latent_channels() const { return dimensions.out_channels; }
};

struct TextEncoder {
  const checkpoint::FamilyEncoder* use = nullptr;  // by the family; never null
  std::shared_ptr<runtime::WeightStore> weights;
  models::TextEncoderConfig config;
};

// The socket CLIP: the text encoders of one family.
struct TextEncoders {
  std::shared_ptr<const ModelFile> file;  // of the first, for messages
  std::vector<TextEncoder> all;           // in the family's order
  int stop_at_layer = -2;

  // What is encoded is encoded with these hooks put on; null: none.
  std::shared_ptr<const Hooks> hooks;
  bool hooks_are_scheduled = false;   // anew for each keyframe, else once at full strength
  bool conditions_have_hooks = true;  // what is encoded takes them along to the model

  // Null if the family has no such encoder.
  std::shared_ptr<runtime::WeightStore> weights(const checkpoint::NetworkKind& kind) const;
};

// What a VAE that is TAESD has besides its decoder.
struct TinyVae {
  std::shared_ptr<runtime::WeightStore> encoder;  // null: it only decodes
  float latent_scale = 1;  // its latents are the VAE's times this, as the U-Net sees them
};

// The socket VAE.
struct Vae {
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<runtime::WeightStore> weights;  // of TAESD: the decoder's
  models::VaeDimensions dimensions;
  std::optional<TinyVae> tiny;
};

// What a file does not hold is null.
struct Checkpoint {
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const TextEncoders> text;
  std::shared_ptr<const Vae> vae;
};

// The networks of an opened file. kInvalidInput if it has no U-Net.
Result<Checkpoint> load_checkpoint(const std::shared_ptr<const ModelFile>& file);

// One network of an opened file, alone or in a checkpoint. kInvalidInput, saying what the file is,
// if it has none.
Result<std::shared_ptr<const DiffusionModel>> load_model(
    const std::shared_ptr<const ModelFile>& file);
Result<std::shared_ptr<const Vae>> load_vae(const std::shared_ptr<const ModelFile>& file);

// TAESD for latents of this scale, from a file of its decoder and one of its encoder, or one of
// both; `encoder` may be null. kInvalidInput, saying what the file is, if it has no such half.
Result<std::shared_ptr<const Vae>> load_tiny_vae(const std::shared_ptr<const ModelFile>& decoder,
                                                 const std::shared_ptr<const ModelFile>& encoder,
                                                 float latent_scale);

// The text encoders of one or more opened files, for `family`: null takes the family whose
// encoders they are. Where the family has two, each file brings one, the order does not matter.
// kInvalidInput naming what is missing.
Result<std::shared_ptr<const TextEncoders>> load_text_encoders(
    const std::vector<std::shared_ptr<const ModelFile>>& files,
    const checkpoint::Family* family = nullptr);

}  // namespace obscura::pipeline
