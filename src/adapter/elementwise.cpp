// Adapters that are given element by element or channel by channel, and DoRA's magnitudes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "adapter/factors.h"
#include "adapter/for_rows.h"

namespace obscura::adapter {
namespace {

using Size = std::size_t;

class DifferenceDelta final : public Delta {
 public:
  explicit DifferenceDelta(const io::TensorEntry* entry) : entry_(entry) {}
  Status add(double strength, float* weight) const override {
    OBSCURA_ASSIGN(std::vector<float> values, finite_values(*entry_));
    auto scale = static_cast<float>(strength);
    for (Size i = 0; i < values.size(); ++i) weight[i] += scale * values[i];
    return {};
  }

 private:
  const io::TensorEntry* entry_;
};

// Takes the weight's place whatever the strength, as in ComfyUI: a part of a replacement would be
// neither model.
class ReplacementDelta final : public Delta {
 public:
  explicit ReplacementDelta(const io::TensorEntry* entry) : entry_(entry) {}
  Status add(double, float* weight) const override {
    OBSCURA_ASSIGN(std::vector<float> values, finite_values(*entry_));
    std::copy(values.begin(), values.end(), weight);
    return {};
  }

 private:
  const io::TensorEntry* entry_;
};

// (IA)^3: each input or output channel of the weight, times its number, is added.
class ChannelScaleDelta final : public Delta {
 public:
  ChannelScaleDelta(WeightShape weight, const io::TensorEntry* entry, bool on_input)
      : weight_(weight), entry_(entry), on_input_(on_input) {}
  Status add(double strength, float* weight) const override {
    OBSCURA_ASSIGN(std::vector<float> scales, finite_values(*entry_));
    for_rows(weight_.rows, weight_.rows * weight_.columns, [&](std::int64_t row) {
      for (std::int64_t i = 0; i < weight_.columns; ++i) {
        float scale = scales[static_cast<Size>(on_input_ ? i / weight_.kernel : row)];
        weight[row * weight_.columns + i] *= 1 + static_cast<float>(strength) * scale;
      }
    });
    return {};
  }

 private:
  WeightShape weight_;
  const io::TensorEntry* entry_;
  bool on_input_;
};

// DoRA: the direction of the adapted weight with a trained magnitude a channel,
// m (W + dW) / |W + dW|. The paper divides by the norm of the adapted weight on either axis, as
// peft and LyCORIS train it. Strength blends from W.
class DecomposedDelta final : public Delta {
 public:
  DecomposedDelta(WeightShape weight, DeltaPtr inner, const io::TensorEntry* magnitude,
                  bool on_input)
      : weight_(weight), inner_(std::move(inner)), magnitude_(magnitude), on_input_(on_input) {}

  Status add(double strength, float* weight) const override {
    OBSCURA_ASSIGN(std::vector<float> magnitude, finite_values(*magnitude_));
    Size elements = static_cast<Size>(weight_.rows * weight_.columns);
    std::vector<float> adapted(weight, weight + elements);
    OBSCURA_TRY(inner_->add(1, adapted.data()));
    std::vector<double> squares(magnitude.size(), 0.0);
    auto channel = [&](std::int64_t row, std::int64_t column) {
      return static_cast<Size>(on_input_ ? column / weight_.kernel : row);
    };
    for (std::int64_t row = 0; row < weight_.rows; ++row)
      for (std::int64_t i = 0; i < weight_.columns; ++i) {
        double value = adapted[static_cast<Size>(row * weight_.columns + i)];
        squares[channel(row, i)] += value * value;
      }
    std::vector<float> factors(magnitude.size());
    for (Size i = 0; i < factors.size(); ++i)
      factors[i] = static_cast<float>(magnitude[i] / (std::sqrt(squares[i]) + kTiny));
    for_rows(weight_.rows, weight_.rows * weight_.columns, [&](std::int64_t row) {
      for (std::int64_t i = 0; i < weight_.columns; ++i) {
        Size at = static_cast<Size>(row * weight_.columns + i);
        float scaled = adapted[at] * factors[channel(row, i)];
        weight[at] += static_cast<float>(strength) * (scaled - weight[at]);
      }
    });
    return {};
  }

 private:
  static constexpr double kTiny = 1.1920929e-7;  // float32's epsilon: a channel of zeros stays zero

  WeightShape weight_;
  DeltaPtr inner_;
  const io::TensorEntry* magnitude_;
  bool on_input_;
};

}  // namespace

Result<DeltaPtr> make_difference(ModuleReader& module, Role role, const WeightShape& weight) {
  OBSCURA_ASSIGN(auto entry, module.take(role));
  if (entry == nullptr) return DeltaPtr();
  if (entry->shape.elements() != weight.shape.elements() ||
      (entry->shape.rank() > 0 && entry->shape[0] != weight.rows)) {
    return module.unfitting(fmt::format("{} is {}", entry->name, entry->shape.text()), weight);
  }
  return DeltaPtr(new DifferenceDelta(entry));
}

Result<DeltaPtr> make_replacement(ModuleReader& module, const WeightShape& weight) {
  OBSCURA_ASSIGN(auto entry, module.take(Role::kReplacement));
  if (entry == nullptr) return DeltaPtr();
  if (!(entry->shape == weight.shape))
    return module.unfitting(fmt::format("{} is {}", entry->name, entry->shape.text()), weight);
  return DeltaPtr(new ReplacementDelta(entry));
}

Result<DeltaPtr> make_channel_scale(ModuleReader& module, const WeightShape& weight) {
  if (!module.has(Role::kOnInput) || !module.has(Role::kChannelScale)) return DeltaPtr();
  OBSCURA_ASSIGN(auto on_input, module.take_number(Role::kOnInput));
  OBSCURA_ASSIGN(auto entry, module.take(Role::kChannelScale));
  std::int64_t channels = *on_input != 0 ? weight.inputs : weight.rows;
  if (entry->shape.elements() != channels) {
    return module.unfitting(fmt::format("scales {} {} channels", entry->shape.elements(),
                                        *on_input != 0 ? "input" : "output"),
                            weight);
  }
  return DeltaPtr(new ChannelScaleDelta(weight, entry, *on_input != 0));
}

Result<DeltaPtr> decomposed(ModuleReader& module, const WeightShape& weight, DeltaPtr inner) {
  OBSCURA_ASSIGN(auto magnitude, module.take(Role::kMagnitude));
  if (magnitude == nullptr) return inner;
  // The vector's shape tells the axis: (out, 1, …) or (1, in, …); peft's (out) has one axis only.
  const Shape& shape = magnitude->shape;
  std::int64_t first = shape.rank() == 0 ? 1 : shape[0], count = shape.elements();
  bool on_output = count == weight.rows && first == weight.rows;
  bool on_input = count == weight.inputs && (shape.rank() < 2 || shape[1] == count);
  if (!on_output && !on_input) {
    return module.unfitting(fmt::format("{} is {}", magnitude->name, shape.text()), weight);
  }
  return DeltaPtr(new DecomposedDelta(weight, std::move(inner), magnitude, !on_output));
}

}  // namespace obscura::adapter
