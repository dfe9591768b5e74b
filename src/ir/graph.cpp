#include "ir/graph.h"

#include <fmt/format.h>

#include <set>
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

ValueId Graph::parameter(std::string_view parameter_name) const {
  for (ValueId id : parameters) {
    if (value(id).name == parameter_name) return id;
  }
  return kNoValue;
}

std::vector<int> Graph::use_counts() const {
  std::vector<int> counts(values.size(), 0);
  for (const Node& node : nodes) {
    for (ValueId id : node.inputs) ++counts[index_of(id)];
  }
  for (const Output& out : outputs) ++counts[index_of(out.value)];
  for (const Assignment& assignment : assignments) ++counts[index_of(assignment.value)];
  return counts;
}

namespace {

class Validation {
 public:
  explicit Validation(const Graph& graph) : graph_(graph) {}

  Status run() const {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) OBSCURA_TRY(check_node(n));
    for (const Output& out : graph_.outputs) {
      if (!exists(out.value)) return broken("output " + out.name + " does not exist");
    }
    return check_parameters();
  }

 private:
  Error broken(const std::string& what) const {
    return Error(ErrorKind::kInternal, "graph " + graph_.name + ": " + what);
  }
  bool exists(ValueId id) const { return index_of(id) < graph_.values.size(); }

  Status check_node(std::size_t n) const {
    const Node& node = graph_.nodes[n];
    std::vector<ValueType> types;
    for (ValueId id : node.inputs) {
      if (!exists(id))
        return broken("node " + std::to_string(n) + " reads a value that does not exist");
      if (graph_.value(id).producer >= static_cast<int>(n))
        return broken("node " + std::to_string(n) + " reads a later result");
      types.push_back(graph_.type(id));
    }
    OBSCURA_ASSIGN(std::vector<ValueType> inferred, node.op->infer_all(types));
    if (inferred.size() != node.outputs.size())
      return broken("node " + std::to_string(n) + " has not as many results as its op");
    for (std::size_t i = 0; i < inferred.size(); ++i) {
      if (!exists(node.outputs[i])) return broken("a result does not exist");
      if (inferred[i] != graph_.type(node.outputs[i]))
        return broken("node " + std::to_string(n) + " has another type than its op infers");
      if (graph_.value(node.outputs[i]).producer != static_cast<int>(n))
        return broken("a value does not know its producer");
    }
    return {};
  }

  Status check_parameters() const {
    std::set<std::string> names;
    for (ValueId id : graph_.parameters) {
      if (!exists(id) || !graph_.value(id).parameter || graph_.value(id).producer >= 0)
        return broken("a parameter is none");
      if (!names.insert(graph_.value(id).name).second)
        return broken("two parameters are named " + graph_.value(id).name);
    }
    std::set<ValueId> assigned;
    for (const auto& [parameter, value] : graph_.assignments) {
      if (!exists(parameter) || !exists(value) || !graph_.value(parameter).parameter)
        return broken("an assignment to or of what does not exist");
      const std::string& to = graph_.value(parameter).name;
      if (!assigned.insert(parameter).second) return broken(to + " is assigned twice");
      if (graph_.type(parameter) != graph_.type(value))
        return broken(to + " is assigned a value of another type");
      const int producer = graph_.value(value).producer;
      if (producer < 0 || graph_.nodes[static_cast<std::size_t>(producer)].op->is_view())
        return broken(to + " is assigned what no node computes");
    }
    return {};
  }

  const Graph& graph_;
};

}  // namespace

Status Graph::validate() const {
  return Validation(*this).run();
}

std::string Graph::text() const {
  std::string text;
  auto operand = [this](ValueId id) {
    const Value& v = value(id);
    if (v.weight) return v.weight->text();
    if (v.parameter) return "@" + v.name;
    return v.is_input() ? v.name : fmt::format("%{}", index_of(id));
  };
  auto joined = [](const std::vector<ValueId>& ids, auto&& word) {
    std::string list;
    for (ValueId id : ids) list += (list.empty() ? "" : ", ") + word(id);
    return list;
  };
  for (const Node& node : nodes) {
    std::string rounded;
    if (node.products != Products::kAsTheyAre)
      rounded = fmt::format(" in {}", name_of(node.products));
    text += fmt::format("{} = {}{} ({}) -> {}   {}\n", joined(node.outputs, operand),
                        node.op->text(), rounded, joined(node.inputs, operand),
                        joined(node.outputs, [this](ValueId id) { return type(id).text(); }),
                        node.scope);
  }
  for (const Output& out : outputs) text += fmt::format("{} <- {}\n", out.name, operand(out.value));
  for (const Assignment& assignment : assignments)
    text += fmt::format("{} := {}\n", operand(assignment.parameter), operand(assignment.value));
  return text;
}

Builder::Builder(std::string graph_name, const WeightIndex& weights) : sources_{{"", &weights}} {
  graph_.name = std::move(graph_name);
  // Value 0 stands in for whatever could not be built, so that type() has something to return after
  // an error.
  append({.type = {DType::kF32, Shape{1, 1, 1, 1, 1, 1}}, .name = "unused"});
}

void Builder::add_source(std::string source, const WeightIndex& weights) {
  const bool added = sources_.emplace(std::move(source), &weights).second;
  OBSCURA_CHECK(added, "two sources of weights have one name");
}

const WeightIndex* Builder::source(std::string_view name) const {
  auto found = sources_.find(name);
  return found == sources_.end() ? weights().source(name) : found->second;
}

void Builder::fail(Error error) {
  if (!error_) error_ = scope_.empty() ? error : error.in(scope_);
}

const ValueType& Builder::type(ValueId id) const {
  if (id == kNoValue) return graph_.values[0].type;
  return graph_.type(id);
}

ValueId Builder::append(Value value) {
  graph_.values.push_back(std::move(value));
  return ValueId{static_cast<std::int32_t>(graph_.values.size() - 1)};
}

ValueId Builder::input(std::string name, ValueType type) {
  graph_.inputs.push_back(append({.type = type, .name = std::move(name)}));
  return graph_.inputs.back();
}

ValueId Builder::steady_input(std::string name, ValueType type) {
  ValueId id = input(std::move(name), type);
  if (id != kNoValue) graph_.values[index_of(id)].steady = true;
  return id;
}

ValueId Builder::parameter(std::string name, ValueType type) {
  if (graph_.parameter(name) != kNoValue)
    fail(Error(ErrorKind::kInternal, "two parameters are named " + name));
  graph_.parameters.push_back(append({.type = type, .name = std::move(name), .parameter = true}));
  return graph_.parameters.back();
}

void Builder::assign(ValueId parameter, ValueId value) {
  if (!failed()) graph_.assignments.push_back({parameter, value});
}

ValueId Builder::weight(const std::string& name, const std::string& source) {
  const WeightIndex* index = this->source(source);
  OBSCURA_CHECK(index != nullptr, "no source of weights is named " + source);
  const Shape* shape = index->find(name);
  if (shape == nullptr) {
    const std::string where = source.empty() ? "the checkpoint" : source;
    fail(Error(ErrorKind::kInvalidInput, where + " has no tensor " + name));
    return kNoValue;
  }
  return weight(WeightSpec{{name}, *shape, source});
}

ValueId Builder::weight(const std::string& name, Shape shape, const std::string& source) {
  const WeightIndex* index = this->source(source);
  const Shape* stored = index == nullptr ? nullptr : index->find(name);
  if (stored != nullptr && stored->elements() != shape.elements()) {
    fail(Error(ErrorKind::kInvalidInput,
               "tensor " + name + " should be " + shape.text() + ", is " + stored->text()));
    return kNoValue;
  }
  if (stored == nullptr) return weight(name, source);
  return weight(WeightSpec{{name}, shape, source});
}

ValueId Builder::weight(WeightSpec spec) {
  if (failed()) return kNoValue;
  auto [entry, inserted] = weight_ids_.try_emplace(spec.text() + " " + spec.shape.text(), kNoValue);
  if (inserted) {
    ValueType type{DType::kF32, spec.shape};
    entry->second = append({.type = type, .weight = std::move(spec)});
  }
  return entry->second;
}

ValueId Builder::add(OpPtr op, std::vector<ValueId> inputs) {
  return add_all(std::move(op), std::move(inputs), 1).front();
}

std::vector<ValueId> Builder::add_all(OpPtr op, std::vector<ValueId> inputs, std::size_t results) {
  std::vector<ValueId> outputs(results, kNoValue);
  if (failed()) return outputs;
  std::vector<ValueType> types;
  for (ValueId id : inputs) {
    OBSCURA_CHECK(id != kNoValue, "an operand is missing");
    types.push_back(type(id));
  }
  Result<std::vector<ValueType>> inferred = op->infer_all(types);
  if (!inferred.ok()) {
    fail(inferred.error());
    return outputs;
  }
  OBSCURA_CHECK(inferred->size() == results, "an op has another number of results");
  const int producer = static_cast<int>(graph_.nodes.size());
  for (std::size_t i = 0; i < results; ++i)
    outputs[i] = append({.type = (*inferred)[i], .producer = producer});
  graph_.nodes.push_back({std::move(op), std::move(inputs), outputs, scope_});
  return outputs;
}

void Builder::output(std::string name, ValueId value) {
  if (!failed()) graph_.outputs.push_back({std::move(name), value});
}

Result<Graph> Builder::finish() && {
  if (error_) return error_->in(graph_.name);
  // What an op cannot refuse by itself.
  if (!graph_.assignments.empty()) OBSCURA_TRY(graph_.validate());
  return std::move(graph_);
}

}  // namespace obscura::ir
