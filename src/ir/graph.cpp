#include "ir/graph.h"

#include <fmt/format.h>

#include <utility>

namespace obscura::ir {

ValueId Graph::input(std::string_view input_name) const {
  for (ValueId id : inputs) {
    if (value(id).name == input_name) return id;
  }
  return kNoValue;
}

ValueId Graph::output(std::string_view output_name) const {
  for (const Output& out : outputs) {
    if (out.name == output_name) return out.value;
  }
  return kNoValue;
}

std::vector<int> Graph::use_counts() const {
  std::vector<int> counts(values.size(), 0);
  for (const Node& node : nodes) {
    for (ValueId id : node.inputs) ++counts[index_of(id)];
  }
  for (const Output& out : outputs) ++counts[index_of(out.value)];
  return counts;
}

Status Graph::validate() const {
  auto broken = [this](const std::string& what) {
    return Error(ErrorKind::kInternal, "graph " + name + ": " + what);
  };
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const Node& node = nodes[n];
    std::vector<ValueType> types;
    for (ValueId id : node.inputs) {
      if (index_of(id) >= values.size())
        return broken("node " + std::to_string(n) + " reads a value that does not exist");
      if (value(id).producer >= static_cast<int>(n))
        return broken("node " + std::to_string(n) + " reads a later result");
      types.push_back(type(id));
    }
    OBSCURA_ASSIGN(ValueType inferred, node.op->infer(types));
    if (inferred != type(node.output))
      return broken("node " + std::to_string(n) + " has another type than its op infers");
    if (value(node.output).producer != static_cast<int>(n))
      return broken("a value does not know its producer");
  }
  return {};
}

std::string Graph::text() const {
  std::string text;
  auto operand = [this](ValueId id) {
    const Value& v = value(id);
    if (v.weight) return v.weight->text();
    return v.is_input() ? v.name : fmt::format("%{}", index_of(id));
  };
  for (const Node& node : nodes) {
    std::string operands;
    for (ValueId id : node.inputs) operands += (operands.empty() ? "" : ", ") + operand(id);
    text += fmt::format("{} = {} ({}) -> {}   {}\n", operand(node.output), node.op->text(),
                        operands, type(node.output).text(), node.scope);
  }
  for (const Output& out : outputs) text += fmt::format("{} <- {}\n", out.name, operand(out.value));
  return text;
}

Builder::Builder(std::string graph_name, const WeightIndex& weights) : weights_(weights) {
  graph_.name = std::move(graph_name);
  // Value 0 stands in for whatever could not be built, so that type() has something to return after
  // an error.
  graph_.values.push_back({.type = {DType::kF32, Shape{1, 1, 1, 1, 1, 1}},
                           .name = "unused",
                           .weight = {},
                           .producer = -1});
}

void Builder::fail(Error error) {
  if (!error_) error_ = scope_.empty() ? error : error.in(scope_);
}

const ValueType& Builder::type(ValueId id) const {
  if (id == kNoValue) return graph_.values[0].type;
  return graph_.type(id);
}

ValueId Builder::input(std::string name, ValueType type) {
  ValueId id{static_cast<std::int32_t>(graph_.values.size())};
  graph_.values.push_back({.type = type, .name = std::move(name), .weight = {}, .producer = -1});
  graph_.inputs.push_back(id);
  return id;
}

ValueId Builder::steady_input(std::string name, ValueType type) {
  ValueId id = input(std::move(name), type);
  if (id != kNoValue) graph_.values[index_of(id)].steady = true;
  return id;
}

ValueId Builder::weight(const std::string& name) {
  const Shape* shape = weights_.find(name);
  if (shape == nullptr) {
    fail(Error(ErrorKind::kInvalidInput, "the checkpoint has no tensor " + name));
    return kNoValue;
  }
  return weight(WeightSpec{{name}, *shape});
}

ValueId Builder::weight(const std::string& name, Shape shape) {
  const Shape* stored = weights_.find(name);
  if (stored != nullptr && stored->elements() != shape.elements()) {
    fail(Error(ErrorKind::kInvalidInput,
               "tensor " + name + " should be " + shape.text() + ", is " + stored->text()));
    return kNoValue;
  }
  if (stored == nullptr) return weight(name);
  return weight(WeightSpec{{name}, shape});
}

ValueId Builder::weight(WeightSpec spec) {
  if (failed()) return kNoValue;
  std::string key = spec.text() + " " + spec.shape.text();
  auto [entry, inserted] =
      weight_ids_.try_emplace(key, ValueId{static_cast<std::int32_t>(graph_.values.size())});
  if (inserted) {
    ValueType type{DType::kF32, spec.shape};
    graph_.values.push_back({.type = type, .name = "", .weight = std::move(spec), .producer = -1});
  }
  return entry->second;
}

ValueId Builder::add(OpPtr op, std::vector<ValueId> inputs) {
  if (failed()) return kNoValue;
  std::vector<ValueType> types;
  for (ValueId id : inputs) {
    OBSCURA_CHECK(id != kNoValue, "an operand is missing");
    types.push_back(type(id));
  }
  Result<ValueType> inferred = op->infer(types);
  if (!inferred.ok()) {
    fail(inferred.error());
    return kNoValue;
  }
  ValueId id{static_cast<std::int32_t>(graph_.values.size())};
  graph_.values.push_back({.type = *inferred,
                           .name = "",
                           .weight = {},
                           .producer = static_cast<int>(graph_.nodes.size())});
  graph_.nodes.push_back({std::move(op), std::move(inputs), id, scope_});
  return id;
}

void Builder::output(std::string name, ValueId value) {
  if (!failed()) graph_.outputs.push_back({std::move(name), value});
}

Result<Graph> Builder::finish() && {
  if (error_) return error_->in(graph_.name);
  return std::move(graph_);
}

}  // namespace obscura::ir
