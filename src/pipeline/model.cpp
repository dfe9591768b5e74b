#include "pipeline/model.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>

#include "base/hash.h"
#include "checkpoint/recognise.h"
#include "models/unet/unet.h"
#include "models/vae/tiny_vae.h"

namespace obscura::pipeline {

using checkpoint::Architecture;
using checkpoint::ComponentKind;

namespace {

Error lacks(const ModelFile& file, const char* network) {
  return Error(ErrorKind::kInvalidInput, fmt::format("{} has no {}, it is a {}", file.name(),
                                                     network, file.layout().title()));
}

std::shared_ptr<runtime::WeightStore>& store_of(TextEncoders& encoders, ComponentKind kind) {
  return kind == ComponentKind::kClipL   ? encoders.clip_l
         : kind == ComponentKind::kClipG ? encoders.clip_g
                                         : encoders.clip_h;
}

bool uses(Architecture family, ComponentKind kind) {
  switch (family) {
    case Architecture::kSdxlBase:
      return kind != ComponentKind::kClipH;
    case Architecture::kSdxlRefiner:
      return kind == ComponentKind::kClipG;
    case Architecture::kSd2:
      return kind == ComponentKind::kClipH;
    default:
      return kind == ComponentKind::kClipL;
  }
}

// The family that a file names, or else the one that has these encoders.
Architecture family_of(const checkpoint::CheckpointLayout& layout, const TextEncoders& encoders) {
  if (layout.architecture != Architecture::kNone) return layout.architecture;
  if (encoders.clip_l && encoders.clip_g) return Architecture::kSdxlBase;
  if (encoders.clip_g) return Architecture::kSdxlRefiner;
  return encoders.clip_h ? Architecture::kSd2 : Architecture::kSd1;
}

// Of two files with an encoder each, SDXL's CLIP-L is the one of narrower states. What each is by
// itself says less: only published sizes can be told apart by their size.
Status tell_apart(const std::vector<std::shared_ptr<const ModelFile>>& files,
                  TextEncoders& encoders) {
  std::shared_ptr<runtime::WeightStore> stores[2];
  std::int64_t widths[2] = {0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    for (const checkpoint::Component& network : files[i]->layout().components) {
      if (!is_text_encoder(network.kind())) continue;
      if (stores[i] != nullptr) return {};  // a file with both
      stores[i] = ModelFile::weights(files[i], network.kind());
      OBSCURA_ASSIGN(auto dimensions, models::text_encoder_dimensions(network));
      widths[i] = dimensions.width;
    }
    if (stores[i] == nullptr) return lacks(*files[i], "text encoder");
  }
  std::size_t l = widths[0] <= widths[1] ? 0 : 1;
  encoders.clip_l = stores[l];
  encoders.clip_g = stores[1 - l];
  encoders.clip_h = nullptr;
  return {};
}

}  // namespace

Result<std::shared_ptr<const ModelFile>> ModelFile::recognised(ModelFile* opened) {
  std::shared_ptr<ModelFile> file(opened);
  auto layout = checkpoint::recognise(file->file_.entries(), file->file_.metadata());
  if (!layout.ok()) return layout.error().in(file->file_.name());
  file->layout_ = *std::move(layout);
  return std::shared_ptr<const ModelFile>(std::move(file));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const std::filesystem::path& path,
                                                         std::string name) {
  OBSCURA_ASSIGN(io::TensorFile file, io::TensorFile::open(path));
  OBSCURA_ASSIGN(std::string identity, io::content_identity(path));
  return recognised(new ModelFile(std::move(file), std::move(name), std::move(identity)));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::embedded(std::span<const std::byte> bytes,
                                                             std::string name, std::string sha256) {
  OBSCURA_ASSIGN(io::TensorFile file, io::TensorFile::parse(bytes, name));
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
    for (std::span<const std::byte> bytes : file_.parts()) {
      for (std::size_t begin = 0; begin < bytes.size(); begin += kPiece) {
        std::span<const std::byte> piece =
            bytes.subspan(begin, std::min(kPiece, bytes.size() - begin));
        OBSCURA_TRY(cancel.check());
        hash.update(piece);
        release_pages(piece);
      }
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
    store->add(std::string(name),
               {entry->dtype, entry->shape, entry->bytes, component->scale(name)});
  }
  return store;
}

Result<std::shared_ptr<const DiffusionModel>> load_model(
    const std::shared_ptr<const ModelFile>& file) {
  const checkpoint::CheckpointLayout& layout = file->layout();
  auto weights = ModelFile::weights(file, ComponentKind::kUNet);
  if (weights == nullptr) return lacks(*file, "U-Net");
  OBSCURA_ASSIGN(models::UNetDimensions dimensions, models::unet_dimensions(*weights));
  bool velocity = layout.prediction == checkpoint::Prediction::kVelocity;
  auto schedule = diffusion::NoiseSchedule::discrete(
      velocity ? diffusion::Prediction::kV : diffusion::Prediction::kEpsilon,
      layout.zero_terminal_snr);
  return std::make_shared<const DiffusionModel>(
      DiffusionModel{file, std::move(weights), layout.unet, dimensions, schedule,
                     layout.latent_scale, layout.architecture});
}

Result<std::shared_ptr<const Vae>> load_vae(const std::shared_ptr<const ModelFile>& file) {
  auto weights = ModelFile::weights(file, ComponentKind::kVae);
  if (weights == nullptr) return lacks(*file, "VAE");
  OBSCURA_ASSIGN(models::VaeDimensions dimensions, models::vae_dimensions(*weights));
  return std::make_shared<const Vae>(Vae{file, std::move(weights), dimensions, {}});
}

Result<std::shared_ptr<const Vae>> load_tiny_vae(const std::shared_ptr<const ModelFile>& decoder,
                                                 const std::shared_ptr<const ModelFile>& encoder,
                                                 float latent_scale) {
  auto weights = ModelFile::weights(decoder, ComponentKind::kTinyDecoder);
  if (weights == nullptr) return lacks(*decoder, "TAESD decoder");
  TinyVae tiny{.encoder = nullptr, .latent_scale = latent_scale};
  if (encoder != nullptr) {
    tiny.encoder = ModelFile::weights(encoder, ComponentKind::kTinyEncoder);
    if (tiny.encoder == nullptr) return lacks(*encoder, "TAESD encoder");
  }
  OBSCURA_ASSIGN(models::VaeDimensions dimensions, models::tiny_vae_dimensions(*weights));
  return std::make_shared<const Vae>(Vae{decoder, std::move(weights), dimensions, std::move(tiny)});
}

Result<std::shared_ptr<const TextEncoders>> load_text_encoders(
    const std::vector<std::shared_ptr<const ModelFile>>& files, Architecture family) {
  TextEncoders encoders;
  encoders.file = files.at(0);
  for (const auto& file : files) {
    for (ComponentKind kind : {ComponentKind::kClipL, ComponentKind::kClipG, ComponentKind::kClipH})
      if (auto weights = ModelFile::weights(file, kind)) store_of(encoders, kind) = weights;
  }
  if (files.size() == 2) OBSCURA_TRY(tell_apart(files, encoders));
  if (family == Architecture::kNone) family = family_of(files[0]->layout(), encoders);
  // The family's own encoders only: a file may hold more.
  for (ComponentKind kind : {ComponentKind::kClipL, ComponentKind::kClipG, ComponentKind::kClipH}) {
    if (!uses(family, kind)) {
      store_of(encoders, kind) = nullptr;
    } else if (store_of(encoders, kind) == nullptr) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("{} wants the text encoder {}, {} is {}", name_of(family),
                               name_of(kind), files[0]->name(), files[0]->layout().title()));
    }
  }
  encoders.clip_l_config = checkpoint::text_encoder_config(ComponentKind::kClipL, family);
  encoders.clip_g_config = checkpoint::text_encoder_config(ComponentKind::kClipG, family);
  encoders.clip_h_config = checkpoint::text_encoder_config(ComponentKind::kClipH, family);
  encoders.clip_h_config.dropped_layers = files[0]->layout().clip_h.dropped_layers;
  encoders.stop_at_layer = checkpoint::default_text_layer(family);
  return std::make_shared<const TextEncoders>(std::move(encoders));
}

Result<Checkpoint> load_checkpoint(const std::shared_ptr<const ModelFile>& file) {
  const checkpoint::CheckpointLayout& layout = file->layout();
  Checkpoint checkpoint;
  OBSCURA_ASSIGN(checkpoint.model, load_model(file));
  if (layout.has(ComponentKind::kVae)) {
    OBSCURA_ASSIGN(checkpoint.vae, load_vae(file));
  }
  if (layout.has_text_encoders()) {
    OBSCURA_ASSIGN(checkpoint.text, load_text_encoders({file}, layout.architecture));
  }
  return checkpoint;
}

}  // namespace obscura::pipeline
