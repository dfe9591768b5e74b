#include "ir/evaluate.h"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace obscura::ir {
namespace {

// In which plain definitions compute.
ValueType widened(const ValueType& type) {
  return is_floating(type.dtype) ? ValueType{DType::kF32, type.shape} : type;
}

void round_to(DType dtype, Tensor& tensor) {
  if (dtype == DType::kF32) return;
  for (float& x : tensor.values())
    x = dtype == DType::kF16 ? f16_to_f32(f32_to_f16(x)) : bf16_to_f32(f32_to_bf16(x));
}

class Evaluation {
 public:
  Evaluation(const Graph& graph, const WeightReader& weights)
      : graph_(graph),
        weights_(weights),
        results_(graph.values.size()),
        integers_(graph.values.size()),
        uses_(graph.use_counts()) {}

  Status bind(const NamedTensors& inputs, const NamedTensors& parameters);
  Status run(const Node& node);
  Tensor result(ValueId id) const;

 private:
  Status give(ValueId id, const Tensor& content);
  Result<ConstArray> operand(ValueId id, Tensor& weight);
  Array result_array(ValueId id);

  const Graph& graph_;
  const WeightReader& weights_;
  std::vector<Tensor> results_;                      // of inputs, parameters and nodes
  std::vector<std::vector<std::int32_t>> integers_;  // those that are int32
  std::vector<int> uses_;
};

Status Evaluation::bind(const NamedTensors& inputs, const NamedTensors& parameters) {
  for (ValueId id : graph_.inputs) {
    const Value& input = graph_.value(id);
    auto given = inputs.find(input.name);
    if (given == inputs.end()) {
      return Error(ErrorKind::kInvalidInput, graph_.name + ": input " + input.name + " wants " +
                                                 input.type.shape.text() + ", got nothing");
    }
    OBSCURA_TRY(give(id, given->second));
  }
  for (ValueId id : graph_.parameters) {
    auto given = parameters.find(graph_.value(id).name);
    OBSCURA_TRY(
        give(id, given == parameters.end() ? Tensor(graph_.type(id).shape) : given->second));
  }
  return {};
}

Status Evaluation::give(ValueId id, const Tensor& content) {
  const Value& value = graph_.value(id);
  if (content.shape() != value.type.shape) {
    return Error(ErrorKind::kInvalidInput,
                 graph_.name + ": " + (value.parameter ? "parameter " : "input ") + value.name +
                     " wants " + value.type.shape.text() + ", got " + content.shape().text());
  }
  results_[index_of(id)] = content;
  if (value.type.dtype != DType::kI32) return {};
  for (float element : content.values())
    integers_[index_of(id)].push_back(static_cast<std::int32_t>(std::lround(element)));
  return {};
}

// A weight is read into `weight`, which keeps it alive for as long as the caller does.
Result<ConstArray> Evaluation::operand(ValueId id, Tensor& weight) {
  const Value& value = graph_.value(id);
  if (value.weight) {
    OBSCURA_ASSIGN(weight, weights_(*value.weight));
    OBSCURA_CHECK(weight.shape() == value.type.shape,
                  "the reader returned another shape for " + value.weight->text());
    if (value.type.dtype != DType::kF32) {
      weight = weight.clone();
      round_to(value.type.dtype, weight);
    }
    return ConstArray{widened(value.type), std::as_const(weight).data()};
  }
  if (value.type.dtype == DType::kI32)
    return ConstArray{value.type, integers_[index_of(id)].data()};
  return ConstArray{widened(value.type), std::as_const(results_[index_of(id)]).data()};
}

Status Evaluation::run(const Node& node) {
  std::vector<Tensor> weights(node.inputs.size());
  std::vector<ConstArray> operands;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    OBSCURA_ASSIGN(ConstArray array, operand(node.inputs[i], weights[i]));
    operands.push_back(array);
  }
  std::vector<Array> results;
  for (ValueId id : node.outputs) results.push_back(result_array(id));
  node.op->evaluate_all(operands, results);
  for (ValueId id : node.outputs) round_to(graph_.type(id).dtype, results_[index_of(id)]);
  for (ValueId id : node.inputs) {
    if (--uses_[index_of(id)] == 0) results_[index_of(id)] = Tensor();
  }
  return {};
}

Array Evaluation::result_array(ValueId id) {
  const ValueType& type = graph_.type(id);
  if (type.dtype == DType::kI32) {
    integers_[index_of(id)].resize(static_cast<std::size_t>(type.shape.elements()));
    return Array{type, integers_[index_of(id)].data()};
  }
  OBSCURA_CHECK(
      type.dtype == DType::kF32 || type.dtype == DType::kF16 || type.dtype == DType::kBF16,
      "results are numbers, here is " + type.text());
  results_[index_of(id)] = Tensor(type.shape);
  return Array{widened(type), results_[index_of(id)].data()};
}

Tensor Evaluation::result(ValueId id) const {
  const std::vector<std::int32_t>& integers = integers_[index_of(id)];
  if (integers.empty()) return results_[index_of(id)];
  return Tensor(graph_.type(id).shape, std::vector<float>(integers.begin(), integers.end()));
}

}  // namespace

Result<NamedTensors> evaluate(const Graph& graph, const NamedTensors& inputs,
                              const WeightReader& weights, NamedTensors& parameters) {
  Evaluation evaluation(graph, weights);
  OBSCURA_TRY(evaluation.bind(inputs, parameters));
  for (const Node& node : graph.nodes) OBSCURA_TRY(evaluation.run(node));
  NamedTensors outputs;
  for (const Output& output : graph.outputs) {
    outputs.insert_or_assign(output.name, evaluation.result(output.value));
  }
  for (const auto& [parameter, value] : graph.assignments)
    parameters.insert_or_assign(graph.value(parameter).name, evaluation.result(value));
  return outputs;
}

Result<NamedTensors> evaluate(const Graph& graph, const NamedTensors& inputs,
                              const WeightReader& weights) {
  NamedTensors parameters;
  return evaluate(graph, inputs, weights, parameters);
}

}  // namespace obscura::ir
