#include "app/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "base/count_text.h"
#include "base/memory_text.h"
#include "ir/attention.h"
#include "ir/conv2d.h"
#include "ir/linear.h"

namespace obscura::app {
namespace {

double node_operations(const ir::Graph& graph, const ir::Node& node) {
  auto elements = [&](ir::ValueId id) {
    return static_cast<double>(graph.type(id).shape.elements());
  };
  if (dynamic_cast<const ir::LinearOp*>(node.op.get()) != nullptr) {
    return 2 * elements(node.inputs[0]) * static_cast<double>(graph.type(node.output()).shape[-1]);
  }
  if (dynamic_cast<const ir::Conv2dOp*>(node.op.get()) != nullptr) {
    const Shape& w = graph.type(node.inputs[1]).shape;
    return 2 * elements(node.output()) * static_cast<double>(w[1] * w[2] * w[3]);
  }
  if (dynamic_cast<const ir::AttentionOp*>(node.op.get()) != nullptr) {
    return 4 * elements(node.output()) * static_cast<double>(graph.type(node.inputs[1]).shape[1]);
  }
  return 0;
}

struct ProfileRow {
  int count = 0;
  double seconds = 0, operations = 0;
};

// An op with the shapes of its input and its weights.
std::string profile_name(const ir::Graph& graph, const ir::Node& node) {
  std::string name =
      fmt::format("{:<13}{:>18}", node.op->name(), graph.type(node.inputs[0]).shape.text());
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const ir::Value& operand = graph.value(node.inputs[i]);
    if (operand.weight && operand.type.shape.rank() > 1) name += " * " + operand.type.shape.text();
  }
  return name;
}

}  // namespace

double operations_of(const ir::Graph& graph) {
  double total = 0;
  for (const ir::Node& node : graph.nodes) total += node_operations(graph, node);
  return total;
}

void print_times(const nlohmann::ordered_json& r) {
  auto number = [&](const char* key) { return r[key].get<double>(); };
  auto text = [&](const char* key) { return r[key].get<std::string>(); };
  auto memory = [&](const char* key) { return memory_text(r[key].get<std::size_t>()); };
  fmt::print("{}; {}\n", text("hardware"), text("libraries"));
  fmt::print("built and planned in {:.1f} ms: {} nodes, arena {}, weights {}", number("build_ms"),
             r["nodes"].get<int>(), memory("arena_bytes"), memory("weight_bytes"));
  if (number("streamed_bytes") > 0)
    fmt::print(", {} streamed in each run", memory("streamed_bytes"));
  fmt::print("\nweights prepared in {:.2f} s\n", number("load_s"));
  fmt::print(
      "{} at {}x{}, batch {}, {}: median {:.2f} ms, fastest {:.2f} ms of {}; {:.2f} TFLOP, "
      "{:.0f} GFLOP/s = {:.0f} % of the library's {:.0f} GFLOP/s\n",
      text("network"), r["size"].get<int>(), r["size"].get<int>(), r["batch"].get<int>(),
      text("precision"), number("median_ms"), number("fastest_ms"),
      count_text(r["runs"].get<std::size_t>(), "run"), number("tflop"), number("gflops"),
      100 * number("gflops") / number("library_gflops"), number("library_gflops"));
  if (number("launch_ms") > 0) fmt::print("{:.3f} ms of a run on the host\n", number("launch_ms"));
  if (r.contains("against")) {
    fmt::print("from {} in fp32 it differs by {:.3g} (root mean square), {:.3g} (largest)\n",
               r["against"]["device"].get<std::string>(), r["against"]["rms"].get<double>(),
               r["against"]["largest"].get<double>());
  }
}

void print_profile(const ir::Graph& graph, const std::vector<double>& seconds) {
  std::map<std::string, ProfileRow> rows;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    if (node.op->is_view()) continue;
    ProfileRow& row = rows[profile_name(graph, node)];
    ++row.count;
    row.seconds += seconds[n];
    row.operations += node_operations(graph, node);
  }
  std::vector<std::pair<std::string, ProfileRow>> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  fmt::print("{:>6} {:>9} {:>9}  op\n", "count", "ms", "GFLOP/s");
  for (std::size_t i = 0; i < std::min<std::size_t>(sorted.size(), 40); ++i) {
    const auto& [name, row] = sorted[i];
    fmt::print("{:>6} {:>9.2f} {:>9.0f}  {}\n", row.count, row.seconds * 1e3,
               row.operations / row.seconds / 1e9, name);
  }
}

}  // namespace obscura::app
