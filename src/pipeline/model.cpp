#include "pipeline/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "checkpoint/kinds/tiny_vae.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/kinds/vae.h"
#include "checkpoint/recognise.h"
#include "models/unet/unet.h"
#include "models/vae/tiny_vae.h"

namespace obscura::pipeline {

using checkpoint::Family;
using checkpoint::NetworkKind;

namespace {

Error lacks(const ModelFile& file, const char* network) {
  return Error(ErrorKind::kInvalidInput, fmt::format("{} has no {}, it is a {}", file.name(),
                                                     network, file.layout().title()));
}

// Text encoders that were found in files, by their kinds.
using FoundEncoders =
    std::vector<std::pair<const NetworkKind*, std::shared_ptr<runtime::WeightStore>>>;

// The text encoder that a file holds by itself.
struct LoneEncoder {
  std::shared_ptr<runtime::WeightStore> weights;  // null: it holds several
  std::int64_t width = 0;
};

Result<LoneEncoder> lone_encoder(const std::shared_ptr<const ModelFile>& file) {
  LoneEncoder lone;
  int count = 0;
  for (const checkpoint::Component& network : file->layout().components) {
    if (!is_text_encoder(network.kind())) continue;
    if (++count > 1) return LoneEncoder{};
    lone.weights = ModelFile::weights(file, network.kind());
    OBSCURA_ASSIGN(auto dimensions, models::text_encoder_dimensions(network));
    lone.width = dimensions.width;
  }
  if (count == 0) return lacks(*file, "text encoder");
  return lone;
}

// Of two files with an encoder each, a family's first encoder is the one of narrower states. What
// each is by itself says less: only published sizes can be told apart by their size.
Status tell_apart(const std::vector<std::shared_ptr<const ModelFile>>& files,
                  FoundEncoders& found) {
  OBSCURA_ASSIGN(LoneEncoder first, lone_encoder(files[0]));
  OBSCURA_ASSIGN(LoneEncoder second, lone_encoder(files[1]));
  if (first.weights == nullptr || second.weights == nullptr) return {};
  if (first.width > second.width) std::swap(first, second);
  const Family& pair = *checkpoint::family_with_encoders(2);
  found = {{pair.encoders[0].kind, first.weights}, {pair.encoders[1].kind, second.weights}};
  return {};
}

// Of several of one kind, that of the last file.
FoundEncoders found_encoders(const std::vector<std::shared_ptr<const ModelFile>>& files) {
  FoundEncoders found;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    for (const checkpoint::Component& network : (*file)->layout().components) {
      if (is_text_encoder(network.kind()))
        found.emplace_back(&network.kind(), ModelFile::weights(*file, network.kind()));
    }
  }
  return found;
}

// The family that a file names, or else the one that has these encoders.
const Family& family_of(const checkpoint::CheckpointLayout& layout, const FoundEncoders& found) {
  if (layout.family != nullptr) return *layout.family;
  std::vector<const NetworkKind*> kinds;
  for (const auto& [kind, weights] : found) kinds.push_back(kind);
  const Family* family = checkpoint::family_of_encoders(kinds);
  return family != nullptr ? *family : checkpoint::families().back();
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
    const std::shared_ptr<const ModelFile>& file, const NetworkKind& kind) {
  const checkpoint::Component* component = file->layout().component(kind);
  if (component == nullptr) return nullptr;
  std::string identity = file->identity() + " " + std::string(kind.id);
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
  auto weights = ModelFile::weights(file, checkpoint::kUNet);
  if (weights == nullptr) return lacks(*file, "U-Net");
  OBSCURA_ASSIGN(models::UNetDimensions dimensions, models::unet_dimensions(*weights));
  bool velocity = layout.prediction == checkpoint::Prediction::kVelocity;
  auto schedule = diffusion::NoiseSchedule::discrete(
      velocity ? diffusion::Prediction::kV : diffusion::Prediction::kEpsilon,
      layout.zero_terminal_snr, {layout.family->betas.first, layout.family->betas.last});
  return std::make_shared<const DiffusionModel>(DiffusionModel{
      file, std::move(weights), layout.unet_config(), dimensions, schedule, layout.family});
}

Result<std::shared_ptr<const Vae>> load_vae(const std::shared_ptr<const ModelFile>& file) {
  auto weights = ModelFile::weights(file, checkpoint::kVae);
  if (weights == nullptr) return lacks(*file, "VAE");
  OBSCURA_ASSIGN(models::VaeDimensions dimensions, models::vae_dimensions(*weights));
  return std::make_shared<const Vae>(Vae{file, std::move(weights), dimensions, {}});
}

Result<std::shared_ptr<const Vae>> load_tiny_vae(const std::shared_ptr<const ModelFile>& decoder,
                                                 const std::shared_ptr<const ModelFile>& encoder,
                                                 float latent_scale) {
  auto weights = ModelFile::weights(decoder, checkpoint::kTinyDecoder);
  if (weights == nullptr) return lacks(*decoder, "TAESD decoder");
  TinyVae tiny{.encoder = nullptr, .latent_scale = latent_scale};
  if (encoder != nullptr) {
    tiny.encoder = ModelFile::weights(encoder, checkpoint::kTinyEncoder);
    if (tiny.encoder == nullptr) return lacks(*encoder, "TAESD encoder");
  }
  OBSCURA_ASSIGN(models::VaeDimensions dimensions, models::tiny_vae_dimensions(*weights));
  return std::make_shared<const Vae>(Vae{decoder, std::move(weights), dimensions, std::move(tiny)});
}

Result<std::shared_ptr<const TextEncoders>> load_text_encoders(
    const std::vector<std::shared_ptr<const ModelFile>>& files, const Family* family) {
  TextEncoders encoders;
  encoders.file = files.at(0);
  FoundEncoders found = found_encoders(files);
  if (files.size() == 2) OBSCURA_TRY(tell_apart(files, found));
  if (family == nullptr) family = &family_of(files[0]->layout(), found);
  // The family's own encoders only: a file may hold more.
  for (const checkpoint::FamilyEncoder& use : family->encoders) {
    auto entry = std::find_if(found.begin(), found.end(),
                              [&](const auto& one) { return *one.first == *use.kind; });
    if (entry == found.end()) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("{} wants the text encoder {}, {} is {}", family->name, use.kind->id,
                               files[0]->name(), files[0]->layout().title()));
    }
    encoders.all.push_back({&use, entry->second, use.config_for(*entry->second)});
  }
  encoders.stop_at_layer = family->text_layer;
  return std::make_shared<const TextEncoders>(std::move(encoders));
}

std::shared_ptr<runtime::WeightStore> TextEncoders::weights(const NetworkKind& kind) const {
  for (const TextEncoder& encoder : all)
    if (*encoder.use->kind == kind) return encoder.weights;
  return nullptr;
}

Result<Checkpoint> load_checkpoint(const std::shared_ptr<const ModelFile>& file) {
  const checkpoint::CheckpointLayout& layout = file->layout();
  Checkpoint checkpoint;
  OBSCURA_ASSIGN(checkpoint.model, load_model(file));
  if (layout.has(checkpoint::kVae)) {
    OBSCURA_ASSIGN(checkpoint.vae, load_vae(file));
  }
  if (layout.has_text_encoders()) {
    OBSCURA_ASSIGN(checkpoint.text, load_text_encoders({file}, layout.family));
  }
  return checkpoint;
}

}  // namespace obscura::pipeline
