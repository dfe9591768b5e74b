#include "pipeline/parity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "checkpoint/foreign_files.h"
#include "checkpoint/kinds/adapter.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/networks.h"
#include "checkpoint/tensor_names.h"
#include "ir/tap.h"
#include "pipeline/adapted.h"
#include "pipeline/parity_case.h"

namespace obscura::pipeline {
namespace {

using checkpoint::Component;
using checkpoint::NetworkGraph;

Error wrong_input(std::string message) {
  return Error(ErrorKind::kInvalidInput, std::move(message));
}

// The network that a case asks, and which of its graphs.
struct Asked {
  const Component* network;
  const NetworkGraph* graph;
};

Result<Asked> asked_by(const ParityCase& given, const checkpoint::CheckpointLayout& layout) {
  const std::vector<Component>& all = layout.components;
  const bool is_named = std::any_of(all.begin(), all.end(), [&](const Component& network) {
    return network.kind().id == given.name;
  });
  std::string wanted;
  for (const Component& network : all) {
    if (is_named && network.kind().id != given.name) continue;
    for (const NetworkGraph& graph : network.kind().graphs) {
      if (given.inputs.contains(graph.main_input)) return Asked{&network, &graph};
      wanted += fmt::format("{}in.{} ({})", wanted.empty() ? "" : ", ", graph.main_input,
                            network.kind().id);
    }
  }
  return wrong_input(fmt::format("{}: wanted {}, found in.{}",
                                 given.name.empty() ? "the pair" : "case " + given.name, wanted,
                                 given.inputs.begin()->first));
}

// Of an adapter's "eps_0.8" the output and the strength; "eps" is at 1, "eps_plain" at 0.
std::pair<std::string, double> output_at_strength(const std::string& name) {
  const std::size_t end = name.rfind('_');
  if (end == std::string::npos) return {name, 1};
  const std::string_view suffix = std::string_view(name).substr(end + 1);
  if (suffix == "plain") return {name.substr(0, end), 0};
  double strength = 0;
  auto [rest, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), strength);
  if (error != std::errc() || rest != suffix.data() + suffix.size()) return {name, 1};
  return {name.substr(0, end), strength};
}

// A tensor that is wanted and the output of the graph that is to equal it.
struct Compared {
  std::string output;
  const io::TensorEntry* wanted;
  std::size_t position = 0;  // of the node that makes it
};

std::map<double, std::vector<Compared>> by_strength(const ParityCase& given, bool has_adapter) {
  std::map<double, std::vector<Compared>> groups;
  for (const ParityWanted& place : given.places) groups[1].push_back({place.name, place.entry});
  for (const ParityWanted& wanted : given.outputs) {
    auto [output, strength] =
        has_adapter ? output_at_strength(wanted.name) : std::pair(wanted.name, 1.0);
    groups[strength].push_back({std::move(output), wanted.entry});
  }
  return groups;
}

// Makes what is wanted outputs of the graph, and puts it in the order of the nodes.
Status show(ir::Graph& graph, std::vector<Compared>& compared) {
  std::string outputs;
  for (const ir::Output& output : graph.outputs) outputs += " " + output.name;
  for (Compared& one : compared) {
    if (one.wanted->name.starts_with("act.") && graph.output(one.output) == ir::kNoValue) {
      Status tapped = ir::tap(graph, std::span(&one.output, 1));
      if (!tapped.ok()) return wrong_input(one.wanted->name + ": " + tapped.error().message());
    }
    const ir::ValueId value = graph.output(one.output);
    if (value == ir::kNoValue)
      return wrong_input(one.wanted->name + ": the network gives" + outputs);
    auto makes_it = [&](const ir::Node& node) {
      return std::find(node.outputs.begin(), node.outputs.end(), value) != node.outputs.end();
    };
    auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(), makes_it);
    one.position = static_cast<std::size_t>(node - graph.nodes.begin());
  }
  std::stable_sort(compared.begin(), compared.end(),
                   [](const Compared& a, const Compared& b) { return a.position < b.position; });
  return {};
}

Result<std::shared_ptr<runtime::WeightStore>> weights_of(const ParityModel& model,
                                                         const checkpoint::NetworkKind& kind,
                                                         double strength) {
  if (model.adapter == nullptr || strength == 0) return ModelFile::weights(model.file, kind);
  OBSCURA_ASSIGN(Checkpoint base, load_checkpoint(model.file));
  OBSCURA_ASSIGN(Adapted adapted, with_adapter(base.model, base.text, model.adapter,
                                               {.unet = strength, .text = strength, .blocks = {}}));
  if (kind == checkpoint::kUNet) return adapted.model->weights;
  if (auto encoder = adapted.text ? adapted.text->weights(kind) : nullptr) return encoder;
  return ModelFile::weights(model.file, kind);
}

ParityStage measured(const std::string& name, const Tensor& found, const Tensor& wanted) {
  double largest = 0, difference = 0, squares = 0;
  for (std::int64_t i = 0; i < wanted.elements(); ++i) {
    const double apart = std::abs(double{found.data()[i]} - double{wanted.data()[i]});
    // A NaN is no agreement.
    difference =
        std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(difference, apart);
    squares += apart * apart;
    largest = std::max(largest, std::abs(double{wanted.data()[i]}));
  }
  const double mean = squares / static_cast<double>(std::max<std::int64_t>(1, wanted.elements()));
  return {name, difference, largest > 0 ? difference / largest : difference,
          10 * std::log10(largest * largest / mean)};
}

class Comparison {
 public:
  Comparison(runtime::Session& session, const ParityModel& model, double tolerance,
             const std::function<void(const ParityStage&)>& on_stage, const CancelToken& cancel)
      : session_(session),
        model_(model),
        tolerance_(tolerance),
        on_stage_(on_stage),
        cancel_(cancel) {}

  // The first stage that differs; none if all agree.
  Result<std::optional<std::string>> run(const ParityCase& given) {
    OBSCURA_ASSIGN(Asked asked, asked_by(given, model_.file->layout()));
    for (auto& [strength, compared] : by_strength(given, model_.adapter != nullptr)) {
      OBSCURA_ASSIGN(auto differing, run(given, asked, strength, compared));
      if (differing) return differing;
    }
    return std::optional<std::string>();
  }

 private:
  Result<std::optional<std::string>> run(const ParityCase& given, const Asked& asked,
                                         double strength, std::vector<Compared>& compared) {
    OBSCURA_ASSIGN(ir::Graph graph,
                   asked.graph->build(*asked.network, model_.file->layout(), input_shapes(given)));
    OBSCURA_TRY(show(graph, compared));
    OBSCURA_ASSIGN(std::vector<NamedInput> inputs, inputs_for(graph, given));
    OBSCURA_ASSIGN(auto weights, weights_of(model_, asked.network->kind(), strength));
    const std::string key = fmt::format("parity {} {}", given.name, asked.graph->name);
    OBSCURA_ASSIGN(runtime::Program * program,
                   session_.program(key, weights, [&] { return Result<ir::Graph>(graph); }));
    // All of them: a Program wants each of its outputs bound.
    std::vector<std::string_view> names;
    for (const ir::Output& output : graph.outputs) names.push_back(output.name);
    OBSCURA_ASSIGN(std::vector<Tensor> results,
                   run_network(session_, *program, inputs, names, cancel_));
    std::map<std::string_view, Tensor> found;
    for (std::size_t i = 0; i < names.size(); ++i) found.emplace(names[i], std::move(results[i]));
    return first_that_differs(compared, found);
  }

  Result<std::optional<std::string>> first_that_differs(
      const std::vector<Compared>& compared,
      const std::map<std::string_view, Tensor>& results) const {
    for (const Compared& one : compared) {
      const Tensor& found = results.at(one.output);
      const Tensor wanted = network_tensor(*one.wanted);
      if (found.elements() != wanted.elements()) {
        return wrong_input(fmt::format("{}: the network gives {}, found {}", one.wanted->name,
                                       found.shape().text(), wanted.shape().text()));
      }
      const ParityStage stage = measured(one.wanted->name, found, wanted);
      on_stage_(stage);
      if (!(stage.relative <= tolerance_)) return std::optional(one.wanted->name);
    }
    return std::optional<std::string>();
  }

  runtime::Session& session_;
  const ParityModel& model_;
  double tolerance_;
  const std::function<void(const ParityStage&)>& on_stage_;
  const CancelToken& cancel_;
};

}  // namespace

Result<ParityModel> open_parity_model(
    const std::filesystem::path& path,
    const std::function<Result<std::shared_ptr<const ModelFile>>()>& base) {
  OBSCURA_ASSIGN(io::TensorFile file, io::TensorFile::open(path));
  const checkpoint::TensorNames names(file.entries());
  const std::string name = path.string();
  ParityModel model;
  const checkpoint::NetworkKind* kind = checkpoint::known_by_sight(names);
  if (!checkpoint::find_networks(names).empty()) {
    OBSCURA_ASSIGN(model.file, ModelFile::open(path, name));
  } else if (kind != nullptr && *kind == checkpoint::kAdapter) {
    OBSCURA_ASSIGN(model.adapter, adapter::AdapterFile::open(path, name, name));
    OBSCURA_ASSIGN(model.file, base());
  } else {
    return wrong_input(name + ": " + checkpoint::refuse_foreign_file(names).message());
  }
  return model;
}

Result<std::optional<std::string>> compare(runtime::Session& session, const ParityModel& model,
                                           const io::TensorFile& pair, double tolerance,
                                           const std::function<void(const ParityStage&)>& on_stage,
                                           const CancelToken& cancel) {
  OBSCURA_ASSIGN(std::vector<ParityCase> cases, parity_cases(pair));
  for (const ParityCase& given : cases) {
    Comparison comparison(session, model, tolerance, on_stage, cancel);
    OBSCURA_ASSIGN(auto differing, comparison.run(given));
    if (differing) return differing;
  }
  return std::optional<std::string>();
}

}  // namespace obscura::pipeline
