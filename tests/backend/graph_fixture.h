// Random graphs' furniture: weights by name, inputs, and the run of one graph both by its plain
// definitions and on a device.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

#include "backend/backend.h"
#include "ir/evaluate.h"
#include "ir/graph.h"
#include "runtime/program.h"

namespace obscura::test {

// Weights that the test declares, filled with reproducible normal numbers.
class RandomWeights final : public ir::WeightIndex, public backend::WeightReader {
 public:
  explicit RandomWeights(unsigned seed = 1) : random_(seed) {}

  std::string declare(const std::string& name, Shape shape, float scale = 1.0f, float mean = 0.0f) {
    Tensor tensor(shape);
    std::normal_distribution<float> normal(mean, scale);
    for (float& value : tensor.values()) value = normal(random_);
    shapes_[name] = shape;
    tensors_.insert_or_assign(name, tensor);
    return name;
  }
  Tensor& tensor(const std::string& name) { return tensors_.at(name); }

  const Shape* find(std::string_view name) const override {
    auto found = shapes_.find(name);
    return found == shapes_.end() ? nullptr : &found->second;
  }
  Status read(const ir::WeightSpec& spec, float* target) override {
    for (const std::string& part : spec.parts) {
      const Tensor& tensor = tensors_.at(part);
      target = std::copy(tensor.values().begin(), tensor.values().end(), target);
    }
    return {};
  }
  std::string identity(const ir::WeightSpec& spec) const override {
    return identity_ + spec.text();
  }

 private:
  std::mt19937 random_;
  std::map<std::string, Shape, std::less<>> shapes_;
  std::map<std::string, Tensor, std::less<>> tensors_;
  // Prepared weights are shared by identity: two tests must not find each other's.
  std::string identity_ = "test " + std::to_string(counter++);
  static inline int counter = 0;
};

inline Tensor random_tensor(Shape shape, unsigned seed, float scale = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  Tensor tensor(shape);
  for (float& value : tensor.values()) value = normal(random);
  return tensor;
}

inline ir::NamedTensors run_plain(const ir::Graph& graph, const ir::NamedTensors& inputs,
                                  RandomWeights& weights) {
  auto result = ir::evaluate(graph, inputs, [&](const ir::WeightSpec& spec) -> Result<Tensor> {
    Tensor tensor(spec.shape);
    OBSCURA_TRY(weights.read(spec, tensor.data()));
    return tensor;
  });
  EXPECT_TRUE(result.ok()) << result.error().message();
  return result.ok() ? *result : ir::NamedTensors{};
}

// `budget` in bytes; none: all weights resident. Checks the plan as well.
inline Result<ir::NamedTensors> run_on(backend::Device& device, ir::Graph graph,
                                       const ir::NamedTensors& inputs, RandomWeights& weights,
                                       std::optional<std::size_t> budget = std::nullopt) {
  OBSCURA_ASSIGN(auto executable, device.lower(std::move(graph)));
  OBSCURA_ASSIGN(plan::Plan plan, plan::make_plan(executable->graph(), executable->needs(), budget,
                                                  executable->layout()));
  OBSCURA_TRY(plan::check_plan(executable->graph(), executable->needs(), plan));
  OBSCURA_TRY(executable->load(plan, weights));
  std::map<std::string, std::vector<std::int32_t>> integers;
  std::vector<backend::InputBinding> bound;
  for (ir::ValueId id : executable->graph().inputs) {
    const ir::Value& value = executable->graph().value(id);
    const Tensor& tensor = inputs.find(value.name)->second;
    if (value.type.dtype == DType::kI32) {
      auto& copy = integers[value.name];
      copy.assign(tensor.values().begin(), tensor.values().end());
      bound.push_back({value.name, std::as_bytes(std::span(copy))});
    } else {
      bound.push_back({value.name, std::as_bytes(tensor.values())});
    }
  }
  ir::NamedTensors results;
  std::vector<backend::OutputBinding> targets;
  for (const ir::Output& out : executable->graph().outputs) {
    Tensor tensor(executable->graph().type(out.value).shape);
    targets.push_back({out.name, std::as_writable_bytes(tensor.values())});
    results.insert_or_assign(out.name, tensor);
  }
  OBSCURA_TRY(executable->run(bound, targets, CancelToken()));
  return results;
}

// Largest difference over the root mean square of `expected`.
inline double relative_error(const Tensor& expected, const Tensor& actual) {
  if (expected.shape() != actual.shape()) return INFINITY;
  double squares = 0, largest = 0;
  for (std::int64_t i = 0; i < expected.elements(); ++i) {
    squares += static_cast<double>(expected.data()[i]) * expected.data()[i];
    largest =
        std::max(largest, std::fabs(static_cast<double>(expected.data()[i]) - actual.data()[i]));
  }
  return largest /
         std::sqrt(squares / static_cast<double>(std::max<std::int64_t>(expected.elements(), 1)) +
                   1e-30);
}

// Rounding errors of a sum of n products add up like a random walk; the largest of many results
// lies a few standard deviations out.
inline double f32_tolerance(std::int64_t reduction) {
  return 8 * 5.96e-8 * std::sqrt(static_cast<double>(reduction)) + 4e-7;
}

}  // namespace obscura::test
