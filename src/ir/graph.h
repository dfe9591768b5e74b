// A network as a list of operations in the order in which they run, for given shapes.
//
// Built by a Builder, rewritten by passes (ir/pass.h), measured by plan, run by a backend. Every
// value has one producer: an input, a weight, or a node. Nodes are in topological order by
// construction. A Graph is a plain value; const use is thread safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ir/op.h"
#include "ir/value.h"

namespace obscura::ir {

struct Node {
  OpPtr op;
  std::vector<ValueId> inputs;
  ValueId output = kNoValue;
  std::string scope;  // the network's own name for this place: "input_blocks.1.0.in_layers.2"
};

struct Value {
  ValueType type;
  std::string name;                  // of an input; empty otherwise
  std::optional<WeightSpec> weight;  // set for weights
  bool steady = false;  // of an input: the same over many runs, as a prompt over the steps
  int producer = -1;    // index of the node; -1 for inputs and weights

  bool is_input() const { return producer < 0 && !weight; }
};

// A named result.
struct Output {
  std::string name;
  ValueId value;
};

struct Graph {
  std::string name;  // "unet", "vae decoder": appears in errors and plans
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<Output> outputs;
  // Intermediate results go beyond float16's range: a device without need for them in float32
  // computes in bfloat16 instead. (SDXL's VAE.)
  bool wide_range = false;

  const Value& value(ValueId id) const { return values[index_of(id)]; }
  const ValueType& type(ValueId id) const { return value(id).type; }
  ValueId input(std::string_view input_name) const;  // kNoValue if there is none
  ValueId output(std::string_view output_name) const;

  // How many nodes read each value, plus one for each time it is an output.
  std::vector<int> use_counts() const;
  // kInternal naming the first broken rule: ids in range, order topological, types as the ops infer
  // them.
  Status validate() const;
  // One line a node, for people: `%12 = conv2d(%3, …) stride=1 -> F32 1x64x64x320
  // input_blocks.0.0`.
  std::string text() const;
};

// Where a Builder finds the shapes of stored weights: a checkpoint's component, or a test's table.
class WeightIndex {
 public:
  virtual ~WeightIndex() = default;
  // nullptr if there is no such tensor.
  virtual const Shape* find(std::string_view name) const = 0;
};

// Adds nodes one by one. The first error is kept: from then on every call returns kNoValue and
// finish() returns the error, so that a network's builder reads as the network and not as its error
// handling. Not thread safe.
class Builder {
 public:
  // `weights` is borrowed and must outlive the Builder.
  Builder(std::string graph_name, const WeightIndex& weights);

  ValueId input(std::string name, ValueType type);
  // An input that stays the same over many runs: what depends on nothing else need not be computed
  // in each.
  ValueId steady_input(std::string name, ValueType type);
  void set_wide_range() { graph_.wide_range = true; }
  // The tensor `name` of the WeightIndex, whatever its shape; an error if it does not exist.
  ValueId weight(const std::string& name);
  // The same, viewed as `shape` (equal number of elements).
  ValueId weight(const std::string& name, Shape shape);
  ValueId weight(WeightSpec spec);
  // Runs the op's shape rule. The scope of the new node is that of the innermost Scope.
  ValueId add(OpPtr op, std::vector<ValueId> inputs);
  void output(std::string name, ValueId value);

  bool failed() const { return error_.has_value(); }
  void fail(Error error);
  // REQUIRES: `id` came from this builder. After an error, some valid type.
  const ValueType& type(ValueId id) const;
  const Shape& shape(ValueId id) const { return type(id).shape; }
  const WeightIndex& weights() const { return weights_; }

  void set_scope(std::string scope) { scope_ = std::move(scope); }
  const std::string& scope() const { return scope_; }

  Result<Graph> finish() &&;

 private:
  Graph graph_;
  const WeightIndex& weights_;
  std::string scope_;
  std::unordered_map<std::string, ValueId>
      weight_ids_;  // by name and shape: a weight used twice is one value
  std::optional<Error> error_;
};

}  // namespace obscura::ir
