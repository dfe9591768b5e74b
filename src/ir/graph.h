// A network as a list of operations in the order in which they run, for given shapes.
//
// Built by a Builder, rewritten by passes (ir/pass.h), measured by plan, run by a backend. Every
// value has one origin: an input, a weight, a parameter, or a node. Nodes are in topological order
// by construction. A Graph is a plain value; const use is thread safe.
//
// A *parameter* lives on the device from run to run: an optimiser's state, the factors of a LoRA
// that is trained, a decoder's keys and values. During a run every node reads what it held before;
// an assignment gives it another content for the next run.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ir/op.h"
#include "ir/products.h"
#include "ir/value.h"

namespace obscura::ir {

struct Node {
  OpPtr op;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;  // at least one
  std::string scope;  // the network's own name for this place: "input_blocks.1.0.in_layers.2"

  // As a device's precision wants it; a pass that makes nodes comes before.
  Products products = Products::kAsTheyAre;

  // The first result, the only one of a SingleResultOp.
  ValueId output() const { return outputs.front(); }
};

struct Value {
  ValueType type;
  std::string name;                  // of an input or a parameter; empty otherwise
  std::optional<WeightSpec> weight;  // set for weights
  bool steady = false;     // of an input: the same over many runs, as a prompt over the steps
  bool parameter = false;  // lives from run to run
  int producer = -1;       // index of the node; -1 for inputs, weights and parameters

  bool is_input() const { return producer < 0 && !weight && !parameter; }
};

// A named result.
struct Output {
  std::string name;
  ValueId value;
};

// At the end of a run the parameter takes the content of `value`, which a node that computes (no
// view) has made in this run.
struct Assignment {
  ValueId parameter;
  ValueId value;
};

struct Graph {
  std::string name;  // "unet", "vae decoder": appears in errors and plans
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<Output> outputs;
  std::vector<ValueId> parameters;
  std::vector<Assignment> assignments;  // at most one a parameter
  // Intermediate results go beyond float16's range: a device without need for them in float32
  // computes in bfloat16 instead. (SDXL's VAE.)
  bool wide_range = false;

  const Value& value(ValueId id) const { return values[index_of(id)]; }
  const ValueType& type(ValueId id) const { return value(id).type; }
  ValueId input(std::string_view input_name) const;  // kNoValue if there is none
  ValueId output(std::string_view output_name) const;
  ValueId parameter(std::string_view parameter_name) const;

  // How many nodes read each value, plus one for each time it is an output or assigned.
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
  // Other weights that come along with these, by the name of their source; nullptr if there are
  // none of that name.
  virtual const WeightIndex* source(std::string_view name) const {
    static_cast<void>(name);
    return nullptr;
  }
  // Which of them stand as branches beside this network's layers, in the order in which they add:
  // see nn/branch.h.
  virtual std::vector<std::string> branches() const { return {}; }
};

// Adds nodes one by one. The first error is kept: from then on every call returns kNoValue and
// finish() returns the error, so that a network's builder reads as the network and not as its error
// handling. Not thread safe.
class Builder {
 public:
  // `weights`, the network's own, is borrowed and must outlive the Builder.
  Builder(std::string graph_name, const WeightIndex& weights);
  // Further weights, under the name by which their WeightSpecs call them. Borrowed likewise.
  void add_source(std::string source, const WeightIndex& weights);

  ValueId input(std::string name, ValueType type);
  // An input that stays the same over many runs: what depends on nothing else need not be computed
  // in each.
  ValueId steady_input(std::string name, ValueType type);
  // kNoValue if there is no input of that name yet.
  ValueId existing_input(std::string_view name) const { return graph_.input(name); }
  void set_wide_range() { graph_.wide_range = true; }
  // A value that lives from run to run. Its content is zeros until somebody gives it another.
  ValueId parameter(std::string name, ValueType type);
  // Gives the parameter the content of `value`, of its type, at the end of each run.
  void assign(ValueId parameter, ValueId value);
  // The tensor `name` of the source, whatever its shape; an error if it does not exist.
  ValueId weight(const std::string& name, const std::string& source = "");
  // The same, viewed as `shape` (equal number of elements).
  ValueId weight(const std::string& name, Shape shape, const std::string& source = "");
  ValueId weight(WeightSpec spec);
  // Runs the op's shape rule. The scope of the new node is that of the innermost Scope.
  ValueId add(OpPtr op, std::vector<ValueId> inputs);
  // REQUIRES: the op has `results` of them. As many values; each kNoValue after an error.
  std::vector<ValueId> add_all(OpPtr op, std::vector<ValueId> inputs, std::size_t results);
  void output(std::string name, ValueId value);

  bool failed() const { return error_.has_value(); }
  void fail(Error error);
  // REQUIRES: `id` came from this builder. After an error, some valid type.
  const ValueType& type(ValueId id) const;
  const Shape& shape(ValueId id) const { return type(id).shape; }
  const WeightIndex& weights() const { return *sources_.at(""); }
  // One that was added, or comes along with the network's own; nullptr if there is no such source.
  const WeightIndex* source(std::string_view name) const;

  void set_scope(std::string scope) { scope_ = std::move(scope); }
  const std::string& scope() const { return scope_; }

  Result<Graph> finish() &&;

 private:
  ValueId append(Value value);

  Graph graph_;
  std::map<std::string, const WeightIndex*, std::less<>> sources_;
  std::string scope_;
  std::unordered_map<std::string, ValueId>
      weight_ids_;  // by source, name and shape: a weight used twice is one value
  std::optional<Error> error_;
};

}  // namespace obscura::ir
