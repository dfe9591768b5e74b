#include "graph/executor.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "graph/cache_keys.h"
#include "graph/job_boundary.h"
#include "graph/node_runner.h"

namespace obscura::graph {
namespace {

// One execution of one workflow.
class Run {
 public:
  Run(const ResolvedWorkflow& workflow, const RunOptions& options, const Environment& environment,
      ResultCache& cache, Observer& observer)
      : workflow_(workflow),
        options_(options),
        environment_(environment),
        cache_(cache),
        observer_(observer),
        outcomes_(workflow.nodes.size()),
        waiting_(workflow.nodes.size(), 0),
        demanded_(workflow.nodes.size()),
        reported_(workflow.nodes.size(), false) {}

  Result<RunReport> run();

 private:
  // What a step of the walk met; the walk stops at an error.
  struct Stop {
    std::size_t node;
    Error error;
  };

  Status prepare();
  std::optional<Stop> produce(std::size_t output);
  // True if all that the node needs is there; otherwise what is lacking was put on the path.
  Result<bool> ready(std::size_t index, std::vector<std::size_t>& path);
  Status execute(std::size_t index);
  bool take_from_cache(std::size_t index);
  void finish(std::size_t index);
  std::vector<GatheredInput> gather(std::size_t index) const;
  CallContext context_for(std::size_t index);
  std::vector<std::size_t> sources_of(std::size_t index) const;
  void report_ui(std::size_t index, double seconds);
  Error report(const Stop& stop);

  const ResolvedWorkflow& workflow_;
  const RunOptions& options_;
  const Environment& environment_;
  ResultCache& cache_;
  Observer& observer_;
  CacheKeys keys_;
  std::vector<std::shared_ptr<const NodeOutcome>> outcomes_;
  // How many nodes that may still run are linked to it; at none, its outcome is let go.
  std::vector<std::size_t> waiting_;
  // Lazy inputs that were asked for, by node.
  std::vector<std::vector<bool>> demanded_;
  std::vector<bool> reported_;
  nlohmann::json current_inputs_ = nlohmann::json::object();
  RunReport report_;
};

Result<RunReport> Run::run() {
  observer_.started();
  OBSCURA_TRY(prepare());
  for (std::size_t output : workflow_.outputs) {
    if (std::optional<Stop> stop = produce(output)) return report(*stop);
  }
  observer_.succeeded();
  return std::move(report_);
}

// Takes hold of every cached result that this run needs before anything can push it out of the
// cache.
Status Run::prepare() {
  Result<CacheKeys> keys = cache_keys(workflow_, environment_, options_.salt);
  if (!keys.ok()) {
    observer_.failed({NodeRef{}, keys.error(), {}, nlohmann::json::object()});
    return keys.error();
  }
  keys_ = std::move(keys).value();
  for (std::size_t i = 0; i < workflow_.nodes.size(); ++i) {
    demanded_[i].assign(workflow_.nodes[i].inputs.size(), false);
    if (cache_.contains(keys_.keys[i])) report_.cached.push_back(workflow_.nodes[i].ref.id);
  }
  observer_.cached(report_.cached);

  std::vector<bool> seen(workflow_.nodes.size(), false);
  std::vector<std::size_t> open = workflow_.outputs;
  while (!open.empty()) {
    const std::size_t index = open.back();
    open.pop_back();
    if (seen[index]) continue;
    seen[index] = true;
    outcomes_[index] = cache_.find(keys_.keys[index]);
    if (outcomes_[index]) continue;
    for (std::size_t source : sources_of(index)) {
      ++waiting_[source];
      open.push_back(source);
    }
  }
  return {};
}

std::vector<std::size_t> Run::sources_of(std::size_t index) const {
  std::vector<std::size_t> sources;
  for (const ResolvedInput& input : workflow_.nodes[index].inputs) {
    if (!input.linked()) continue;
    const bool known = std::find(sources.begin(), sources.end(), input.source) != sources.end();
    if (!known) sources.push_back(input.source);
  }
  return sources;
}

std::optional<Run::Stop> Run::produce(std::size_t output) {
  std::vector<std::size_t> path = {output};
  while (!path.empty()) {
    const std::size_t index = path.back();
    if (outcomes_[index]) {
      path.pop_back();
      continue;
    }
    if (Status status = options_.cancel.check(); !status.ok()) return Stop{index, status.error()};
    if (take_from_cache(index)) continue;
    Result<bool> is_ready = guarded([&] { return ready(index, path); });
    if (!is_ready.ok()) return Stop{index, is_ready.error()};
    if (!*is_ready) continue;
    if (Status status = guarded([&] { return execute(index); }); !status.ok())
      return Stop{index, status.error()};
  }
  if (!reported_[output]) report_ui(output, 0);
  return std::nullopt;
}

// An equal node elsewhere in the workflow may have run since the start.
bool Run::take_from_cache(std::size_t index) {
  outcomes_[index] = cache_.find(keys_.keys[index]);
  if (!outcomes_[index]) return false;
  report_.cached.push_back(workflow_.nodes[index].ref.id);
  observer_.cached({workflow_.nodes[index].ref.id});
  finish(index);
  return true;
}

Result<bool> Run::ready(std::size_t index, std::vector<std::size_t>& path) {
  const ResolvedNode& node = workflow_.nodes[index];
  const std::size_t length = path.size();
  // The first input's source must end up on top of the path.
  const auto push_lacking = [&] {
    for (std::size_t i = node.inputs.size(); i-- > 0;) {
      const ResolvedInput& input = node.inputs[i];
      if (!input.linked() || outcomes_[input.source]) continue;
      if (input.spec->is_lazy() && !demanded_[index][i]) continue;
      path.push_back(input.source);
    }
    return path.size() > length;
  };
  if (push_lacking()) return false;
  if (!node.type->lazy_hook()) return true;
  OBSCURA_ASSIGN(const std::vector<std::size_t> wanted, wanted_lazy_inputs(node, gather(index)));
  for (std::size_t i : wanted) demanded_[index][i] = true;
  return wanted.empty() || !push_lacking();
}

std::vector<GatheredInput> Run::gather(std::size_t index) const {
  std::vector<GatheredInput> inputs;
  const ResolvedNode& node = workflow_.nodes[index];
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const ResolvedInput& input = node.inputs[i];
    GatheredInput gathered{input.spec, std::nullopt};
    if (input.constant) {
      gathered.values = ValueList{Value::constant(input.spec->type(), *input.constant)};
    } else if (input.linked() && (!input.spec->is_lazy() || demanded_[index][i])) {
      if (outcomes_[input.source]) gathered.values = outcomes_[input.source]->outputs[input.slot];
    }
    inputs.push_back(std::move(gathered));
  }
  return inputs;
}

CallContext Run::context_for(std::size_t index) {
  const ResolvedNode& node = workflow_.nodes[index];
  CallContext context;
  context.node = node.ref;
  context.environment = &environment_;
  context.cancel = options_.cancel;
  if (node.type->has_hidden(Hidden::kPrompt)) context.prompt = &workflow_.prompt;
  if (node.type->has_hidden(Hidden::kExtraPngInfo)) context.extra_pnginfo = &options_.extra_pnginfo;
  context.knows_unique_id = node.type->has_hidden(Hidden::kUniqueId);
  context.progress = [this, &node](std::int64_t value, std::int64_t max) {
    observer_.progress(node.ref, value, max);
  };
  if (observer_.wants_previews()) {
    context.preview = [this, &node](std::span<const std::byte> bytes, std::string_view mime) {
      observer_.preview(node.ref, bytes, mime);
    };
  }
  context.warn = [this, &node](const std::string& text) { observer_.warned(node.ref, text); };
  return context;
}

Status Run::execute(std::size_t index) {
  const ResolvedNode& node = workflow_.nodes[index];
  observer_.executing(node.ref);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<GatheredInput> inputs = gather(index);
  current_inputs_ = describe_inputs(inputs);
  OBSCURA_TRY(guarded([&] { return check_arrivals(node, inputs, environment_); }));
  bool blocked = false;
  const CallContext context = context_for(index);
  OBSCURA_ASSIGN(NodeOutcome outcome, run_node(node, inputs, context, blocked));
  outcomes_[index] = std::make_shared<const NodeOutcome>(std::move(outcome));
  // A skip is not kept, so that its message is told in every run.
  if (keys_.keepable[index] && !blocked) cache_.insert(keys_.keys[index], outcomes_[index]);
  report_.executed.push_back(node.ref.id);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  report_ui(index, seconds.count());
  finish(index);
  return {};
}

void Run::report_ui(std::size_t index, double seconds) {
  reported_[index] = true;
  const NodeRef& ref = workflow_.nodes[index].ref;
  const nlohmann::json& ui = outcomes_[index]->ui;
  observer_.executed(ref, ui, seconds);
  if (!ui.is_null()) report_.ui.emplace_back(ref, ui);
}

void Run::finish(std::size_t index) {
  for (std::size_t source : sources_of(index)) {
    // An output's outcome stays: the walk asks whether it is there.
    if (--waiting_[source] == 0 && !workflow_.nodes[source].type->is_output_node()) {
      outcomes_[source].reset();
    }
  }
}

Error Run::report(const Stop& stop) {
  const NodeRef& ref = workflow_.nodes[stop.node].ref;
  Error error = stop.error.in(ref.describe());
  if (error.kind() == ErrorKind::kCancelled) {
    observer_.interrupted(ref, report_.executed);
  } else {
    observer_.failed({ref, error, report_.executed, std::move(current_inputs_)});
  }
  return error;
}

}  // namespace

Result<RunReport> Executor::run(const ResolvedWorkflow& workflow, const RunOptions& options,
                                Observer& observer) {
  return Run(workflow, options, environment_, cache_, observer).run();
}

}  // namespace obscura::graph
