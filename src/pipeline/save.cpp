#include "pipeline/save.h"

#include <algorithm>
#include <cstring>

#include "io/safetensors_writer.h"

namespace obscura::pipeline {
namespace {

// A tensor to write: where it comes from, and as what.
struct Source {
  runtime::WeightStore* store;
  std::string tensor;  // its name there
  io::TensorDeclaration declared;
};

DType saved_type(DType stored) {
  if (stored == DType::kF32 || stored == DType::kBF16 || !is_floating(stored)) return stored;
  return DType::kF16;
}

void add(std::vector<Source>& sources, const std::shared_ptr<runtime::WeightStore>& store,
         const std::string& prefix) {
  if (store == nullptr) return;
  for (const auto& [name, tensor] : store->tensors())
    sources.push_back({store.get(), name, {prefix + name, saved_type(tensor.dtype), tensor.shape}});
}

// The empty tensors by which files say that a model does not predict the noise, or was trained up
// to pure noise.
std::vector<Source> markers(const SavedNetworks& networks) {
  std::vector<Source> marks;
  if (!networks.model) return marks;
  const diffusion::NoiseSchedule& schedule = networks.model->schedule;
  constexpr double kAboveAnyPublished = 1000;
  if (schedule.prediction() != diffusion::Prediction::kV) return marks;
  marks.push_back({nullptr, "", {"v_pred", DType::kF32, Shape{0}}});
  if (schedule.sigma_max() > kAboveAnyPublished)
    marks.push_back({nullptr, "", {"ztsnr", DType::kF32, Shape{0}}});
  return marks;
}

std::vector<Source> sources_of(const SavedNetworks& networks) {
  std::vector<Source> sources;
  if (networks.model) add(sources, networks.model->weights, "model.diffusion_model.");
  if (networks.vae) add(sources, networks.vae->weights, "first_stage_model.");
  if (networks.text) {
    for (const TextEncoder& encoder : networks.text->all)
      add(sources, encoder.weights, std::string(encoder.use->prefix));
  }
  for (Source& marker : markers(networks)) sources.push_back(std::move(marker));
  // Wide types first keeps each tensor aligned to its own.
  std::stable_sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) {
    return size_of(a.declared.dtype) > size_of(b.declared.dtype);
  });
  return sources;
}

std::vector<std::byte> narrowed(const std::vector<float>& values, DType dtype) {
  if (dtype == DType::kF32) {
    auto bytes = std::as_bytes(std::span(values));
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::byte> bytes(values.size() * 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = dtype == DType::kF16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    std::memcpy(bytes.data() + i * 2, &bits, 2);
  }
  return bytes;
}

Status write(io::SafetensorsWriter& writer, const Source& source) {
  if (source.store == nullptr) return writer.write(source.declared.name, {});
  const runtime::StoredTensor& stored = *source.store->find_tensor(source.tensor);
  if (!is_floating(stored.dtype)) return writer.write(source.declared.name, stored.bytes);
  std::vector<float> values(static_cast<std::size_t>(stored.shape.elements()));
  ir::WeightSpec spec;
  spec.parts = {source.tensor};
  spec.shape = stored.shape;
  OBSCURA_TRY(source.store->read(spec, values.data()));
  return writer.write(source.declared.name, narrowed(values, source.declared.dtype));
}

}  // namespace

io::SafetensorsMetadata model_spec(const SavedNetworks& networks, std::string_view title) {
  io::SafetensorsMetadata metadata;
  metadata.emplace("modelspec.sai_model_spec", "1.0.0");
  metadata.emplace("modelspec.title", std::string(title));
  if (networks.model) {
    const auto prediction = networks.model->schedule.prediction();
    const checkpoint::Family& family = *networks.model->family;
    metadata.emplace("modelspec.architecture", prediction == diffusion::Prediction::kV
                                                   ? family.model_spec_of_velocity
                                                   : family.model_spec);
    metadata.emplace("modelspec.implementation",
                     "https://github.com/Stability-AI/generative-models");
    if (prediction == diffusion::Prediction::kV)
      metadata.emplace("modelspec.predict_key", "v");
    else if (prediction == diffusion::Prediction::kEpsilon)
      metadata.emplace("modelspec.predict_key", "epsilon");
  }
  return metadata;
}

Status save(const std::filesystem::path& path, const SavedNetworks& networks,
            const io::SafetensorsMetadata& metadata, const CancelToken& cancel) {
  if (networks.vae && networks.vae->tiny) {
    return Error(ErrorKind::kUnsupported,
                 networks.vae->file->name() + " is TAESD, wanted a VAE as checkpoints hold one");
  }
  const std::vector<Source> sources = sources_of(networks);
  std::vector<io::TensorDeclaration> declared;
  for (const Source& source : sources) declared.push_back(source.declared);
  OBSCURA_ASSIGN(auto writer, io::SafetensorsWriter::create(path, std::move(declared), metadata));
  for (const Source& source : sources) {
    OBSCURA_TRY(cancel.check());
    OBSCURA_TRY(write(writer, source));
  }
  return writer.commit();
}

}  // namespace obscura::pipeline
