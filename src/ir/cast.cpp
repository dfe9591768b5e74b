#include "ir/cast.h"

#include <cstring>
#include <map>
#include <utility>

#include "ir/arithmetic.h"
#include "ir/conv2d.h"
#include "ir/embedding.h"
#include "ir/group_norm.h"

namespace obscura::ir {
namespace {

class Lowering {
 public:
  Lowering(const Graph& graph, DType dtype) : graph_(graph), dtype_(dtype) {
    lowered_.name = graph.name;
    lowered_.wide_range = graph.wide_range;
  }

  Graph run() {
    for (ValueId id : graph_.inputs) lowered_.inputs.push_back(keep(id));
    for (ValueId id : graph_.parameters) lowered_.parameters.push_back(keep(id));
    for (const Node& node : graph_.nodes) lower(node);
    for (const Output& out : graph_.outputs)
      lowered_.outputs.push_back({out.name, stored(out.value)});
    for (const auto& [parameter, value] : graph_.assignments)
      lowered_.assignments.push_back({stored(parameter), stored(value)});
    return std::move(lowered_);
  }

 private:
  ValueId add(Value value) {
    lowered_.values.push_back(std::move(value));
    return ValueId{static_cast<std::int32_t>(lowered_.values.size() - 1)};
  }

  // An input or a parameter, in its own type.
  ValueId keep(ValueId id) {
    const Value& value = graph_.value(id);
    return made_[{id, value.type.dtype}] = add(value);
  }
  // The value in the type that it has in the given graph.
  ValueId stored(ValueId id) { return as(id, graph_.type(id).dtype, ""); }

  std::vector<ValueId> append(OpPtr op, std::vector<ValueId> inputs, std::string scope) {
    std::vector<ValueType> types;
    for (ValueId id : inputs) types.push_back(lowered_.type(id));
    const int producer = static_cast<int>(lowered_.nodes.size());
    std::vector<ValueId> outputs;
    const std::vector<ValueType> results = op->infer_all(types).value();
    for (const ValueType& type : results)
      outputs.push_back(add({.type = type, .producer = producer}));
    lowered_.nodes.push_back({std::move(op), std::move(inputs), outputs, std::move(scope)});
    return outputs;
  }

  // The lowered value of `id` in the type `dtype`; casts where it has another.
  ValueId as(ValueId id, DType dtype, const std::string& scope) {
    auto [entry, inserted] = made_.try_emplace({id, dtype}, kNoValue);
    if (!inserted) return entry->second;
    const Value& value = graph_.value(id);
    if (value.weight) {
      Value weight = value;
      weight.type.dtype = dtype;
      return entry->second = add(std::move(weight));
    }
    // Of a node's result there is one other type; of an input the one that it came in.
    auto other = made_.lower_bound({id, DType{}});
    if (other == entry) ++other;
    return entry->second = append(std::make_shared<CastOp>(dtype), {other->second}, scope).front();
  }

  DType operand_type(const Node& node, std::size_t i) const {
    DType stored = graph_.type(node.inputs[i]).dtype;
    if (stored != DType::kF32) return stored;
    if (dynamic_cast<const SinusoidOp*>(node.op.get()) != nullptr) return DType::kF32;
    if (i == 1 && dynamic_cast<const ScaleOp*>(node.op.get()) != nullptr) return DType::kF32;
    const auto* conv = dynamic_cast<const Conv2dOp*>(node.op.get());
    if (conv != nullptr && static_cast<int>(i) == conv->scale_shift_operand()) return DType::kF32;
    // A view is of whatever type its source has.
    if (node.op->is_view() && made_.count({node.inputs[i], dtype_}) == 0 &&
        !graph_.value(node.inputs[i]).is_input() && !graph_.value(node.inputs[i]).parameter)
      return DType::kF32;
    return dtype_;
  }

  void lower(const Node& node) {
    std::vector<ValueId> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      inputs.push_back(as(node.inputs[i], operand_type(node, i), node.scope));
    std::vector<ValueId> results = append(node.op, std::move(inputs), node.scope);
    for (std::size_t i = 0; i < results.size(); ++i)
      made_[{node.outputs[i], lowered_.type(results[i]).dtype}] = results[i];
  }

  const Graph& graph_;
  DType dtype_;
  Graph lowered_;
  std::map<std::pair<ValueId, DType>, ValueId> made_;
};

template <class Read>
void cast_elements(const Array& output, Read read) {
  for (std::int64_t i = 0; i < output.type.shape.elements(); ++i) {
    float value = read(i);
    auto* bits = static_cast<std::uint16_t*>(output.data);
    if (output.type.dtype == DType::kF32) {
      output.f32()[i] = value;
    } else {
      bits[i] = output.type.dtype == DType::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
    }
  }
}

}  // namespace

Result<ValueType> CastOp::infer(std::span<const ValueType> inputs) const {
  if (!is_floating(inputs[0].dtype)) return operand_error(*this, 0, "numbers", inputs[0]);
  return ValueType{dtype, inputs[0].shape};
}

void CastOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const auto* bytes = static_cast<const std::byte*>(inputs[0].data);
  DType from = inputs[0].type.dtype;
  cast_elements(output, [&](std::int64_t i) {
    float value = 0;
    widen_to_f32(from, bytes + static_cast<std::size_t>(i) * size_of(from), &value, 1);
    return value;
  });
}

Graph with_precision(const Graph& graph, DType dtype) {
  return Lowering(graph, dtype).run();
}

}  // namespace obscura::ir
