#include "pipeline/save_lora.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "adapter/low_rank_fit.h"
#include "adapter/module_table.h"
#include "io/safetensors_writer.h"
#include "pipeline/adapted.h"

namespace obscura::pipeline {
namespace {

using adapter::Module;
using adapter::TensorSlot;

// What becomes of one of a module's two tensors.
enum class Kept { kFactors, kDifference, kBiasDifference };

struct KeptPart {
  runtime::WeightStore* store;
  TensorSlot slot;
  std::string stem;
  Kept kept;

  std::int64_t columns() const { return slot.shape.elements() / slot.shape[0]; }
};

// The elements of a slot: rows of a stored tensor, perhaps with its sides exchanged.
Result<Tensor> difference_of(const KeptPart& part) {
  const Shape& stored = *part.store->find(part.slot.tensor);
  Tensor whole(stored);
  OBSCURA_TRY(part.store->read({{part.slot.tensor}, stored}, whole.data()));
  Tensor rows(part.slot.shape);
  if (part.slot.transposed) {
    for (std::int64_t i = 0; i < stored[0]; ++i)
      for (std::int64_t j = 0; j < stored[1]; ++j)
        rows.data()[j * stored[0] + i] = whole.data()[i * stored[1] + j];
    return rows;
  }
  const std::int64_t first =
      part.slot.first_row * (whole.elements() / std::max<std::int64_t>(1, stored[0]));
  std::copy_n(whole.data() + first, rows.elements(), rows.data());
  return rows;
}

// As ComfyUI has it: the hundredth part of the factors that is furthest from zero is cut back.
void clamp_outliers(adapter::LowRankFit& fit) {
  std::vector<float> all(fit.up.values().begin(), fit.up.values().end());
  all.insert(all.end(), fit.down.values().begin(), fit.down.values().end());
  const auto place = static_cast<std::ptrdiff_t>(0.99 * static_cast<double>(all.size() - 1));
  std::nth_element(all.begin(), all.begin() + place, all.end());
  const float most = std::fabs(all[static_cast<std::size_t>(place)]);
  for (Tensor* factor : {&fit.up, &fit.down})
    for (float& value : factor->values()) value = std::clamp(value, -most, most);
}

class LoraWriter {
 public:
  LoraWriter(const LoraOptions& options, const CancelToken& cancel)
      : options_(options), cancel_(cancel) {}

  void add(runtime::WeightStore* store, const Module& module) {
    const std::string stem = adapter::stem_of(module);
    const bool matrix = module.weight.shape.rank() >= 2;
    if (matrix && !options_.whole) {
      parts_.push_back({store, module.weight, stem, Kept::kFactors});
    } else if (!module.weight.tensor.empty() && (options_.whole || options_.biases)) {
      parts_.push_back({store, module.weight, stem, Kept::kDifference});
    }
    if (!module.bias.tensor.empty() && options_.biases)
      parts_.push_back({store, module.bias, stem, Kept::kBiasDifference});
  }

  Status write(const std::filesystem::path& path, const io::SafetensorsMetadata& metadata,
               const std::function<void(std::int64_t, std::int64_t)>& progress) {
    std::vector<io::TensorDeclaration> declared;
    for (const KeptPart& part : parts_) declare(part, declared);
    OBSCURA_ASSIGN(auto writer, io::SafetensorsWriter::create(path, std::move(declared), metadata));
    std::int64_t done = 0;
    for (const KeptPart& part : parts_) {
      OBSCURA_TRY(cancel_.check());
      OBSCURA_TRY(write(part, writer));
      if (progress) progress(++done, static_cast<std::int64_t>(parts_.size()));
    }
    return writer.commit();
  }
  bool empty() const { return parts_.empty(); }

 private:
  std::int64_t rank_of(const KeptPart& part) const {
    return std::min({options_.rank, part.slot.shape[0], part.columns()});
  }

  // A convolution's kernel stays with the down factor.
  void declare(const KeptPart& part, std::vector<io::TensorDeclaration>& declared) const {
    const Shape& shape = part.slot.shape;
    if (part.kept != Kept::kFactors) {
      const char* role = part.kept == Kept::kDifference ? ".diff" : ".diff_b";
      declared.push_back({part.stem + role, DType::kF16, shape});
      return;
    }
    const std::int64_t rank = rank_of(part);
    const bool convolution = shape.rank() == 4;
    declared.push_back({part.stem + ".lora_up.weight", DType::kF16,
                        convolution ? Shape{shape[0], rank, 1, 1} : Shape{shape[0], rank}});
    declared.push_back(
        {part.stem + ".lora_down.weight", DType::kF16,
         convolution ? Shape{rank, shape[1], shape[2], shape[3]} : Shape{rank, shape[1]}});
  }

  static Status write_half(const std::string& name, std::span<const float> values,
                           io::SafetensorsWriter& writer) {
    std::vector<std::uint16_t> halves;
    halves.reserve(values.size());
    for (float value : values) halves.push_back(f32_to_f16(value));
    return writer.write(name, std::as_bytes(std::span(halves)));
  }

  Status write(const KeptPart& part, io::SafetensorsWriter& writer) const {
    OBSCURA_ASSIGN(Tensor difference, difference_of(part));
    if (part.kept != Kept::kFactors) {
      const char* role = part.kept == Kept::kDifference ? ".diff" : ".diff_b";
      return write_half(part.stem + role, difference.values(), writer);
    }
    adapter::LowRankFit fit = adapter::fit_low_rank(
        difference.reshaped({part.slot.shape[0], part.columns()}), rank_of(part));
    clamp_outliers(fit);
    OBSCURA_TRY(write_half(part.stem + ".lora_up.weight", fit.up.values(), writer));
    return write_half(part.stem + ".lora_down.weight", fit.down.values(), writer);
  }

  LoraOptions options_;
  CancelToken cancel_;
  std::vector<KeptPart> parts_;
};

}  // namespace

Status save_lora(const std::filesystem::path& path, const Differences& differences,
                 const LoraOptions& options, const io::SafetensorsMetadata& metadata,
                 const CancelToken& cancel,
                 const std::function<void(std::int64_t done, std::int64_t all)>& progress) {
  adapter::Networks networks;
  if (differences.model) networks.unet = differences.model->weights;
  if (differences.text) {
    for (const TextEncoder& encoder : differences.text->all) {
      if (encoder.use->borrows_adapter_names) {
        return Error(ErrorKind::kInvalidInput, "adapters have no names for the text encoder " +
                                                   std::string(encoder.use->kind->id));
      }
      place_of(encoder, networks) = encoder.weights;
    }
  }
  LoraWriter writer(options, cancel);
  const adapter::ModuleTable table(networks);
  for (const Module& module : table.modules()) {
    runtime::WeightStore* store = networks.of(module.network).get();
    // Tables of tokens and places are no layers, and CLIP's are not mixed.
    if (module.name.find("embedding") != std::string::npos && store != networks.unet.get())
      continue;
    writer.add(store, module);
  }
  if (writer.empty())
    return Error(ErrorKind::kInvalidInput, "there is no difference to make a LoRA of");
  return writer.write(path, metadata, progress);
}

}  // namespace obscura::pipeline
