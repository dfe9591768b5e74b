#include "ir/evaluate.h"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace obscura::ir {
namespace {

class Evaluation {
 public:
  Evaluation(const Graph& graph, const WeightReader& weights)
      : graph_(graph),
        weights_(weights),
        results_(graph.values.size()),
        integers_(graph.values.size()),
        uses_(graph.use_counts()) {}

  Status bind(const NamedTensors& inputs);
  Status run(const Node& node);
  Tensor result(ValueId id) const { return results_[index_of(id)]; }

 private:
  Result<ConstArray> operand(ValueId id, Tensor& weight);

  const Graph& graph_;
  const WeightReader& weights_;
  std::vector<Tensor> results_;                      // of inputs and nodes
  std::vector<std::vector<std::int32_t>> integers_;  // those that are int32
  std::vector<int> uses_;
};

Status Evaluation::bind(const NamedTensors& inputs) {
  for (ValueId id : graph_.inputs) {
    const Value& input = graph_.value(id);
    auto given = inputs.find(input.name);
    if (given == inputs.end() || given->second.shape() != input.type.shape) {
      std::string found =
          given == inputs.end() ? std::string("nothing") : given->second.shape().text();
      return Error(ErrorKind::kInvalidInput, graph_.name + ": input " + input.name + " wants " +
                                                 input.type.shape.text() + ", got " + found);
    }
    results_[index_of(id)] = given->second;
    if (input.type.dtype != DType::kI32) continue;
    for (float value : std::as_const(given->second).values()) {
      integers_[index_of(id)].push_back(static_cast<std::int32_t>(std::lround(value)));
    }
  }
  return {};
}

// A weight is read into `weight`, which keeps it alive for as long as the caller does.
Result<ConstArray> Evaluation::operand(ValueId id, Tensor& weight) {
  const Value& value = graph_.value(id);
  if (value.weight) {
    OBSCURA_ASSIGN(weight, weights_(*value.weight));
    OBSCURA_CHECK(weight.shape() == value.type.shape,
                  "the reader returned another shape for " + value.weight->text());
    return ConstArray{value.type, std::as_const(weight).data()};
  }
  if (value.type.dtype == DType::kI32)
    return ConstArray{value.type, integers_[index_of(id)].data()};
  return ConstArray{value.type, std::as_const(results_[index_of(id)]).data()};
}

Status Evaluation::run(const Node& node) {
  std::vector<Tensor> weights(node.inputs.size());
  std::vector<ConstArray> operands;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    OBSCURA_ASSIGN(ConstArray array, operand(node.inputs[i], weights[i]));
    operands.push_back(array);
  }
  const ValueType& type = graph_.type(node.output);
  const std::size_t place = index_of(node.output);
  if (type.dtype == DType::kI32) {
    integers_[place].resize(static_cast<std::size_t>(type.shape.elements()));
    node.op->evaluate(operands, Array{type, integers_[place].data()});
  } else {
    OBSCURA_CHECK(type.dtype == DType::kF32, "results are numbers, here is " + type.text());
    results_[place] = Tensor(type.shape);
    node.op->evaluate(operands, Array{type, results_[place].data()});
  }
  for (ValueId id : node.inputs) {
    if (--uses_[index_of(id)] == 0) results_[index_of(id)] = Tensor();
  }
  return {};
}

}  // namespace

Result<NamedTensors> evaluate(const Graph& graph, const NamedTensors& inputs,
                              const WeightReader& weights) {
  Evaluation evaluation(graph, weights);
  OBSCURA_TRY(evaluation.bind(inputs));
  for (const Node& node : graph.nodes) OBSCURA_TRY(evaluation.run(node));
  NamedTensors outputs;
  for (const Output& output : graph.outputs) {
    outputs.insert_or_assign(output.name, evaluation.result(output.value));
  }
  return outputs;
}

}  // namespace obscura::ir
