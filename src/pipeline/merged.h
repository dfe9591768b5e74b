// Weights made of two models' weights, worked out as they are read: nothing is copied, and the
// models themselves stay as they are.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pipeline/model.h"
#include "runtime/weight_store.h"

namespace obscura::pipeline {

// A tensor of the result: this many times the first model's and the second's.
struct MixWeights {
  double first = 1, second = 0;
};
// By the tensor's name in its network: "input_blocks.0.0.weight".
using MixRule = std::function<MixWeights(std::string_view tensor)>;

// `rule_text` stands for the rule: equal texts mean equal rules. Tensors that the second lacks stay
// the first's. kInvalidInput, naming the tensor, where the two are of different shapes.
Result<std::shared_ptr<runtime::WeightStore>> mixed(
    const std::shared_ptr<runtime::WeightStore>& first,
    const std::shared_ptr<runtime::WeightStore>& second, const MixRule& rule,
    const std::string& rule_text);

// The first model with its U-Net mixed.
Result<std::shared_ptr<const DiffusionModel>> mixed(
    const std::shared_ptr<const DiffusionModel>& first,
    const std::shared_ptr<const DiffusionModel>& second, const MixRule& rule,
    const std::string& rule_text);
// Each encoder with its like. CLIP's temperature and its table of positions are not mixed.
Result<std::shared_ptr<const TextEncoders>> mixed(const std::shared_ptr<const TextEncoders>& first,
                                                  const std::shared_ptr<const TextEncoders>& second,
                                                  const MixWeights& weights);

// Factors of a tensor's rows, of as many equal parts as there are; none leaves it alone.
using ScaleRule = std::function<std::vector<float>(std::string_view tensor)>;
// Tensors times their factors. `rule_text` as above.
std::shared_ptr<runtime::WeightStore> scaled(const std::shared_ptr<runtime::WeightStore>& weights,
                                             ScaleRule rule, const std::string& rule_text);

}  // namespace obscura::pipeline
