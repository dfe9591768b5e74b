#include "checkpoint/prediction.h"

#include <cmath>
#include <vector>

#include "checkpoint/kinds/unet.h"

namespace obscura::checkpoint {
namespace {

// The standard deviation of a tensor's elements; 0 if its bytes are not there.
double deviation(const io::TensorEntry& entry) {
  auto count = static_cast<std::size_t>(entry.shape.elements());
  if (!is_floating(entry.dtype) || entry.bytes.empty() || count == 0) return 0;
  std::vector<float> values(count);
  widen_to_f32(entry.dtype, entry.bytes.data(), values.data(), count);
  double sum = 0, squares = 0;
  for (float value : values) sum += value;
  double mean = sum / static_cast<double>(count);
  for (float value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(count));
}

bool looks_like_velocity(const CheckpointLayout& layout) {
  const Component* unet = layout.component(kUNet);
  if (layout.family == nullptr || !layout.family->velocity || unet == nullptr) return false;
  const io::TensorEntry* input = unet->entry("input_blocks.0.0.weight");
  const io::TensorEntry* bias = unet->entry(layout.family->velocity->bias);
  bool inpainting = input != nullptr && input->shape.rank() == 4 &&
                    input->shape[1] != layout.family->latents.channels;
  return bias != nullptr && !inpainting &&
         deviation(*bias) > layout.family->velocity->least_deviation;
}

std::string_view value_of(const io::SafetensorsMetadata& metadata, std::string_view key) {
  auto found = metadata.find(key);
  return found == metadata.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

Status read_prediction(const TensorNames& names, const io::SafetensorsMetadata& metadata,
                       CheckpointLayout& layout) {
  for (const char* mark : {"edm_mean", "edm_vpred.sigma_max"}) {
    if (!names.has(mark)) continue;
    return Error(ErrorKind::kUnsupported,
                 "a model trained with EDM's preconditioning (it holds " + std::string(mark) +
                     "): Obscura runs those that predict noise or velocity");
  }
  // modelspec's "v" and "epsilon"; diffusers' "v_prediction" and "epsilon", which a folder's
  // scheduler configuration brings.
  std::string_view declared = value_of(metadata, "modelspec.prediction_type");
  if (declared.empty()) declared = value_of(metadata, "prediction_type");
  bool velocity = names.has("v_pred") || declared == "v" || declared == "v_prediction";
  if (!velocity && declared.empty()) velocity = looks_like_velocity(layout);
  if (velocity) layout.prediction = Prediction::kVelocity;
  layout.zero_terminal_snr =
      names.has("ztsnr") || value_of(metadata, "rescale_betas_zero_snr") == "true";
  return {};
}

}  // namespace obscura::checkpoint
