#include "ir/strip.h"

#include <algorithm>
#include <map>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/conv2d.h"
#include "ir/group_norm.h"
#include "ir/linear.h"
#include "ir/pass.h"
#include "ir/shape_ops.h"

namespace obscura::ir {
namespace {

bool is_image(const Graph& graph, ValueId id) {
  return graph.type(id).shape.rank() == 4;
}

// Rows that output rows `rows` of a convolution read, and the padding that is left at the ends of
// exactly those.
struct ConvRows {
  Rows source;
  int top, bottom;
};

ConvRows conv_rows(const Conv2dOp& op, std::int64_t height, std::int64_t kernel, Rows rows) {
  std::int64_t scale = op.options.upsample ? 2 : 1;
  std::int64_t first = rows.begin * op.options.stride - op.options.padding.top;
  std::int64_t last =
      (rows.end - 1) * op.options.stride - op.options.padding.top + kernel;  // one past
  Rows source{std::max<std::int64_t>(first, 0) / scale,
              (std::min(last, height * scale) + scale - 1) / scale};
  // Positive at the image's border; negative where upsampling gives a row that this strip does not
  // read.
  return {source, static_cast<int>(source.begin * scale - first),
          static_cast<int>(last - source.end * scale)};
}

// Builds the graph of a strip: backwards for the rows that each value must have, forwards for the
// nodes.
class StripBuilder {
 public:
  StripBuilder(const Graph& graph, const Segment& segment) : graph_(graph), segment_(segment) {
    strip_.graph.name = graph.name + " strip";
    strip_.graph.wide_range = graph.wide_range;
  }

  Strip output_rows(Rows rows) {
    need(segment_.output, rows);
    propagate(segment_.end);
    emit(segment_.end);
    finish(at(segment_.output, rows));
    return std::move(strip_);
  }

  Strip moments(std::size_t stats, Rows rows) {
    ValueId x = graph_.nodes[stats].inputs[0];
    need(x, rows);
    propagate(stats);
    emit(stats);
    ValueId source = at(x, rows);
    const Shape& shape = strip_.graph.type(source).shape;
    finish(append(std::make_shared<ChannelMomentsOp>(), {source}, Shape{shape[0], 2, shape[3]},
                  "moments"));
    return std::move(strip_);
  }

 private:
  void need(ValueId id, Rows rows) {
    auto [entry, inserted] = needed_.try_emplace(id, rows);
    if (inserted) return;
    entry->second.begin = std::min(entry->second.begin, rows.begin);
    entry->second.end = std::max(entry->second.end, rows.end);
  }

  void propagate(std::size_t end) {
    for (std::size_t n = end; n-- > segment_.begin;) {
      const Node& node = graph_.nodes[n];
      auto rows = needed_.find(node.output());
      if (rows == needed_.end() || dynamic_cast<const GroupStatsOp*>(node.op.get()) != nullptr)
        continue;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        ValueId id = node.inputs[i];
        if (graph_.value(id).weight) continue;
        // Whole or not at all: statistics, and what is added to each channel.
        need(id, is_image(graph_, id) ? rows_of_operand(node, i, rows->second) : Rows{0, 1});
      }
    }
  }

  Rows rows_of_operand(const Node& node, std::size_t operand, Rows rows) const {
    const auto* conv = dynamic_cast<const Conv2dOp*>(node.op.get());
    if (conv == nullptr || operand != 0) return rows;
    return conv_rows(*conv, graph_.type(node.inputs[0]).shape[1],
                     graph_.type(node.inputs[1]).shape[2], rows)
        .source;
  }

  void emit(std::size_t end) {
    strip_.source = needed_.at(segment_.input);
    Shape shape = graph_.type(segment_.input).shape;
    shape.set(1, strip_.source.count());
    made_[segment_.input] = add_input("x", {DType::kF32, shape});
    for (std::size_t n = segment_.begin; n < end; ++n) {
      const Node& node = graph_.nodes[n];
      auto rows = needed_.find(node.output());
      if (rows == needed_.end()) continue;
      if (dynamic_cast<const GroupStatsOp*>(node.op.get()) != nullptr) {
        made_[node.output()] = add_input("stats" + std::to_string(n), graph_.type(node.output()));
      } else {
        made_[node.output()] = emit_node(node, rows->second);
      }
    }
  }

  ValueId emit_node(const Node& node, Rows rows) {
    OpPtr op = node.op;
    if (const auto* conv = dynamic_cast<const Conv2dOp*>(op.get())) {
      ConvRows source = conv_rows(*conv, graph_.type(node.inputs[0]).shape[1],
                                  graph_.type(node.inputs[1]).shape[2], rows);
      Conv2dOp::Options options = conv->options;
      options.padding.top = source.top;
      options.padding.bottom = source.bottom;
      op = std::make_shared<Conv2dOp>(options);
    }
    std::vector<ValueId> operands;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      ValueId id = node.inputs[i];
      if (graph_.value(id).weight) {
        operands.push_back(weight(id));
      } else if (is_image(graph_, id)) {
        operands.push_back(at(id, rows_of_operand(node, i, rows)));
      } else {
        operands.push_back(made_.at(id));
      }
    }
    Shape shape = graph_.type(node.output()).shape;
    shape.set(1, rows.count());
    return append(std::move(op), std::move(operands), shape, node.scope);
  }

  // The value restricted to `rows`, cut out if more of it was made.
  ValueId at(ValueId id, Rows rows) {
    Rows have = needed_.at(id);
    if (have.begin == rows.begin && have.end == rows.end) return made_.at(id);
    Shape shape = graph_.type(id).shape;
    shape.set(1, rows.count());
    auto slice = std::make_shared<SliceRowsOp>(rows.begin - have.begin, rows.end - have.begin);
    return append(std::move(slice), {made_.at(id)}, shape, "strip");
  }

  ValueId add_value(Value value) {
    ValueId id{static_cast<std::int32_t>(strip_.graph.values.size())};
    strip_.graph.values.push_back(std::move(value));
    return id;
  }

  ValueId add_input(std::string name, ValueType type) {
    ValueId id = add_value({.type = type, .name = std::move(name)});
    strip_.graph.inputs.push_back(id);
    return id;
  }

  ValueId weight(ValueId id) {
    auto [entry, inserted] = made_.try_emplace(id, kNoValue);
    if (inserted) entry->second = add_value(graph_.value(id));
    return entry->second;
  }

  ValueId append(OpPtr op, std::vector<ValueId> operands, Shape shape, const std::string& scope) {
    int producer = static_cast<int>(strip_.graph.nodes.size());
    ValueId id = add_value({.type = {DType::kF32, shape}, .producer = producer});
    strip_.graph.nodes.push_back({std::move(op), std::move(operands), {id}, scope});
    return id;
  }

  void finish(ValueId result) { strip_.graph.outputs.push_back({"y", result}); }

  const Graph& graph_;
  const Segment& segment_;
  Strip strip_;
  std::map<ValueId, Rows> needed_;
  std::map<ValueId, ValueId> made_;  // from the graph's values to the strip's
};

}  // namespace

std::vector<Segment> segments(const Graph& graph) {
  std::vector<std::size_t> last(graph.values.size(), 0);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].inputs) last[index_of(id)] = n;
  }
  last[index_of(graph.outputs[0].value)] = graph.nodes.size();
  std::vector<Segment> all;
  Segment current{0, 0, graph.inputs[0], kNoValue};
  std::vector<ValueId> live = {graph.inputs[0]};
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    live.insert(live.end(), graph.nodes[n].outputs.begin(), graph.nodes[n].outputs.end());
    std::erase_if(live, [&](ValueId id) { return last[index_of(id)] <= n; });
    if (live.size() != 1 || !is_image(graph, live[0])) continue;
    current.end = n + 1;
    current.output = live[0];
    all.push_back(current);
    current = {n + 1, 0, live[0], kNoValue};
  }
  return all;
}

Segment join(const Segment& a, const Segment& b) {
  return {a.begin, b.end, a.input, b.output};
}

Graph segment_graph(const Graph& graph, const Segment& segment) {
  Graph part;
  part.name = graph.name;
  part.wide_range = graph.wide_range;
  part.values = graph.values;
  part.nodes.assign(graph.nodes.begin() + static_cast<std::ptrdiff_t>(segment.begin),
                    graph.nodes.begin() + static_cast<std::ptrdiff_t>(segment.end));
  part.values[index_of(segment.input)].producer = -1;
  part.values[index_of(segment.input)].name = "x";
  part.inputs = {segment.input};
  part.outputs = {{"y", segment.output}};
  remove_unused(part);
  return part;
}

bool can_run_in_strips(const Graph& graph, const Segment& segment) {
  for (std::size_t n = segment.begin; n < segment.end; ++n) {
    const Op* op = graph.nodes[n].op.get();
    bool pixelwise =
        is_image(graph, graph.nodes[n].output()) &&
        (dynamic_cast<const LinearOp*>(op) != nullptr ||
         dynamic_cast<const ActivationOp*>(op) != nullptr ||
         dynamic_cast<const AddOp*>(op) != nullptr || dynamic_cast<const ConcatOp*>(op) != nullptr);
    bool local = dynamic_cast<const Conv2dOp*>(op) != nullptr ||
                 dynamic_cast<const GroupStatsOp*>(op) != nullptr;
    if (!pixelwise && !local) return false;
  }
  return graph.type(segment.input).shape[0] == 1;
}

std::vector<std::size_t> stats_nodes(const Graph& graph, const Segment& segment) {
  std::vector<std::size_t> all;
  for (std::size_t n = segment.begin; n < segment.end; ++n) {
    if (dynamic_cast<const GroupStatsOp*>(graph.nodes[n].op.get()) != nullptr) all.push_back(n);
  }
  return all;
}

Strip output_strip(const Graph& graph, const Segment& segment, Rows rows) {
  return StripBuilder(graph, segment).output_rows(rows);
}

Strip moments_strip(const Graph& graph, const Segment& segment, std::size_t stats, Rows rows) {
  return StripBuilder(graph, segment).moments(stats, rows);
}

}  // namespace obscura::ir
