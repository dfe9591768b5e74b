#include "pipeline/label.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "checkpoint/family.h"
#include "ir/embedding.h"

namespace obscura::pipeline {

Tensor label_vector(const Tensor& pooled, std::span<const double> numbers) {
  constexpr std::int64_t kFeatures = checkpoint::LabelRule::kFeatures;
  const auto count = static_cast<std::int64_t>(numbers.size());
  Tensor label(Shape{1, pooled.elements() + count * kFeatures});
  float* target = std::copy(pooled.values().begin(), pooled.values().end(), label.data());
  std::vector<float> values(numbers.size());
  std::transform(numbers.begin(), numbers.end(), values.begin(),
                 [](double number) { return static_cast<float>(number); });
  ir::ConstArray source{{DType::kF32, Shape{count}}, values.data()};
  ir::SinusoidOp sinusoid(static_cast<int>(kFeatures));
  sinusoid.evaluate(std::span(&source, 1), {{DType::kF32, Shape{count, kFeatures}}, target});
  return label;
}

Result<Tensor> label_of(const DiffusionModel& model, const Condition& condition,
                        const Shape& latent, bool negative) {
  std::int64_t wanted = model.dimensions.label_width;
  if (wanted == 0) return Tensor();
  const std::int64_t pixels = model.family->latents.pixels;
  const auto height = static_cast<double>(latent[2] * pixels),
             width = static_cast<double>(latent[3] * pixels);
  SizeConditioning uncropped{height, width, 0, 0, height, width};
  SizeConditioning size = condition.size.value_or(uncropped);
  std::vector<double> numbers = {size.height, size.width, size.crop_top, size.crop_left};
  if (model.family->label.has_score) {
    numbers.push_back(negative ? condition.aesthetic_score.value_or(2.5)
                               : condition.aesthetic_score.value_or(6.0));
  } else {
    numbers.insert(numbers.end(), {size.target_height, size.target_width});
  }
  std::int64_t pooled = wanted - model.family->label.features();
  if (condition.pooled.elements() != pooled) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the model {} wants a pooled text state of {} features, got {}",
                             model.file->name(), pooled, condition.pooled.elements()));
  }
  return label_vector(condition.pooled, numbers);
}

}  // namespace obscura::pipeline
