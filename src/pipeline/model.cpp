#include "pipeline/model.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>

#include "base/hash.h"
#include "checkpoint/recognise.h"
#include "models/unet/unet.h"

namespace obscura::pipeline {

using checkpoint::ComponentKind;

Result<std::shared_ptr<const ModelFile>> ModelFile::recognised(ModelFile* opened) {
  std::shared_ptr<ModelFile> file(opened);
  OBSCURA_ASSIGN(file->layout_, checkpoint::recognise(file->file_));
  return std::shared_ptr<const ModelFile>(std::move(file));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const std::filesystem::path& path,
                                                         std::string name) {
  OBSCURA_ASSIGN(io::SafetensorsFile file, io::SafetensorsFile::open(path));
  std::error_code error;
  auto changed = std::filesystem::last_write_time(path, error).time_since_epoch();
  std::string identity =
      fmt::format("{} {} {}", std::filesystem::absolute(path, error).string(), file.bytes().size(),
                  std::chrono::duration_cast<std::chrono::nanoseconds>(changed).count());
  return recognised(new ModelFile(std::move(file), std::move(name), std::move(identity)));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::embedded(std::span<const std::byte> bytes,
                                                             std::string name, std::string sha256) {
  OBSCURA_ASSIGN(io::SafetensorsFile file, io::SafetensorsFile::parse(bytes, name));
  auto* opened = new ModelFile(std::move(file), std::move(name), "embedded " + sha256);
  opened->sha256_ = std::move(sha256);
  return recognised(opened);
}

Result<std::string> ModelFile::sha256(const CancelToken& cancel) const {
  std::lock_guard lock(mutex_);
  if (sha256_.empty()) {
    // Piece by piece, giving the pages back: a hash must not leave gigabytes of a file in this
    // process.
    Sha256 hash;
    constexpr std::size_t kPiece = 16 << 20;
    std::span<const std::byte> bytes = file_.bytes();
    for (std::size_t begin = 0; begin < bytes.size(); begin += kPiece) {
      std::span<const std::byte> piece =
          bytes.subspan(begin, std::min(kPiece, bytes.size() - begin));
      OBSCURA_TRY(cancel.check());
      hash.update(piece);
      release_pages(piece);
    }
    sha256_ = hash.hex_digest();
  }
  return sha256_;
}

std::shared_ptr<runtime::WeightStore> ModelFile::weights(
    const std::shared_ptr<const ModelFile>& file, ComponentKind kind) {
  const checkpoint::Component* component = file->layout().component(kind);
  if (component == nullptr) return nullptr;
  std::string identity = file->identity() + " " + std::string(checkpoint::name_of(kind));
  auto store =
      std::make_shared<runtime::WeightStore>(std::move(identity), file, runtime::Backing::kFile);
  for (const auto& [name, entry] : component->tensors()) {
    store->add(std::string(name), {entry->dtype, entry->shape, entry->bytes});
  }
  return store;
}

Result<Checkpoint> load_checkpoint(const std::shared_ptr<const ModelFile>& file) {
  const checkpoint::CheckpointLayout& layout = file->layout();
  auto unet = ModelFile::weights(file, ComponentKind::kUNet),
       vae = ModelFile::weights(file, ComponentKind::kVae);
  auto clip_l = ModelFile::weights(file, ComponentKind::kClipL),
       clip_g = ModelFile::weights(file, ComponentKind::kClipG);
  if (!unet || !vae || !clip_l || !clip_g) {
    return Error(ErrorKind::kInvalidInput,
                 file->name() + " lacks one of U-Net, VAE and the two text encoders");
  }
  OBSCURA_ASSIGN(models::UNetDimensions unet_dimensions, models::unet_dimensions(*unet));
  OBSCURA_ASSIGN(models::VaeDimensions vae_dimensions, models::vae_dimensions(*vae));
  bool velocity = layout.prediction == checkpoint::Prediction::kVelocity;
  auto schedule = diffusion::NoiseSchedule::discrete(
      velocity ? diffusion::Prediction::kV : diffusion::Prediction::kEpsilon,
      layout.zero_terminal_snr);
  return Checkpoint{std::make_shared<const DiffusionModel>(DiffusionModel{
                        file, unet, layout.unet, unet_dimensions, schedule, layout.latent_scale}),
                    std::make_shared<const TextEncoders>(
                        TextEncoders{file, clip_l, clip_g, layout.clip_l, layout.clip_g}),
                    std::make_shared<const Vae>(Vae{file, vae, vae_dimensions})};
}

}  // namespace obscura::pipeline
