#include "pipeline/merged.h"

#include <fmt/format.h>

#include <vector>

#include "ir/value.h"

namespace obscura::pipeline {
namespace {

class Mix final : public runtime::WeightChange {
 public:
  Mix(std::shared_ptr<runtime::WeightStore> second, MixRule rule, const std::string& rule_text)
      : second_(std::move(second)),
        rule_(std::move(rule)),
        identity_("mixed with (" + second_->identity() + ") by " + rule_text) {}

  const std::string& identity() const override { return identity_; }

  bool touches(std::string_view name) const override {
    if (second_->find(name) == nullptr) return false;
    const MixWeights weights = rule_(name);
    return weights.first != 1 || weights.second != 0;
  }

  Status apply(std::string_view name, const Shape& shape, float* values) const override {
    const MixWeights weights = rule_(name);
    std::vector<float> other(static_cast<std::size_t>(shape.elements()));
    ir::WeightSpec spec;
    spec.parts = {std::string(name)};
    spec.shape = shape;
    OBSCURA_TRY(second_->read(spec, other.data()));
    for (std::size_t i = 0; i < other.size(); ++i) {
      values[i] =
          static_cast<float>(weights.first * double{values[i]} + weights.second * double{other[i]});
    }
    return {};
  }

 private:
  std::shared_ptr<runtime::WeightStore> second_;
  MixRule rule_;
  std::string identity_;
};

class Scale final : public runtime::WeightChange {
 public:
  Scale(ScaleRule rule, const std::string& rule_text)
      : rule_(std::move(rule)), identity_("scaled by " + rule_text) {}

  const std::string& identity() const override { return identity_; }

  bool touches(std::string_view name) const override { return !rule_(name).empty(); }

  Status apply(std::string_view name, const Shape& shape, float* values) const override {
    const std::vector<float> factors = rule_(name);
    const std::int64_t each =
        factors.empty() ? 0 : shape.elements() / static_cast<std::int64_t>(factors.size());
    for (float factor : factors) {
      for (std::int64_t i = 0; i < each; ++i) *values++ *= factor;
    }
    return {};
  }

 private:
  ScaleRule rule_;
  std::string identity_;
};

}  // namespace

Result<std::shared_ptr<runtime::WeightStore>> mixed(
    const std::shared_ptr<runtime::WeightStore>& first,
    const std::shared_ptr<runtime::WeightStore>& second, const MixRule& rule,
    const std::string& rule_text) {
  for (const auto& [name, tensor] : first->tensors()) {
    const Shape* other = second->find(name);
    if (other == nullptr || *other == tensor.shape) continue;
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted two models of one kind, found {} as {} in the first and as {} "
                             "in the second",
                             name, tensor.shape.text(), other->text()));
  }
  return first->with(std::make_shared<Mix>(second, rule, rule_text));
}

Result<std::shared_ptr<const DiffusionModel>> mixed(
    const std::shared_ptr<const DiffusionModel>& first,
    const std::shared_ptr<const DiffusionModel>& second, const MixRule& rule,
    const std::string& rule_text) {
  auto model = std::make_shared<DiffusionModel>(*first);
  OBSCURA_ASSIGN(model->weights, mixed(first->weights, second->weights, rule, rule_text));
  return std::shared_ptr<const DiffusionModel>(std::move(model));
}

Result<std::shared_ptr<const TextEncoders>> mixed(const std::shared_ptr<const TextEncoders>& first,
                                                  const std::shared_ptr<const TextEncoders>& second,
                                                  const MixWeights& weights) {
  const MixRule rule = [=](std::string_view tensor) {
    bool kept = tensor.ends_with("position_ids") || tensor.ends_with("logit_scale");
    return kept ? MixWeights{} : weights;
  };
  const std::string text = fmt::format("{} and {}", weights.first, weights.second);
  auto encoders = std::make_shared<TextEncoders>(*first);
  for (TextEncoder& encoder : encoders->all) {
    const auto other = second->weights(*encoder.use->kind);
    if (other == nullptr) continue;
    OBSCURA_ASSIGN(encoder.weights, mixed(encoder.weights, other, rule, text));
  }
  return std::shared_ptr<const TextEncoders>(std::move(encoders));
}

std::shared_ptr<runtime::WeightStore> scaled(const std::shared_ptr<runtime::WeightStore>& weights,
                                             ScaleRule rule, const std::string& rule_text) {
  return weights->with(std::make_shared<Scale>(std::move(rule), rule_text));
}

}  // namespace obscura::pipeline
