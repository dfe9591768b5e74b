// `obscura plan`: what a workflow will need, before anything of it runs.
#include <fmt/format.h>

#include <memory>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/memory_sink.h"
#include "app/progress.h"
#include "app/render_job.h"
#include "app/workflow_source.h"
#include "base/memory_text.h"
#include "runtime/planning_device.h"

namespace obscura::app {
namespace {

struct PlanOptions {
  std::string file;
  std::vector<std::string> assignments;
  EngineFlags engine;
  bool json = false;
};

void print_table(const std::vector<runtime::PlannedNetwork>& networks, std::size_t peak,
                 std::size_t budget) {
  fmt::print("{:<32} {:>5} {:>12} {:>12} {:>12} {:>12}\n", "network", "runs", "activations",
             "resident", "streamed", "peak");
  for (const runtime::PlannedNetwork& n : networks) {
    fmt::print("{:<32} {:>5} {:>12} {:>12} {:>12} {:>12}\n", n.name, n.runs,
               memory_text(n.arena_bytes), memory_text(n.resident_bytes),
               memory_text(n.streamed_bytes), memory_text(n.arena_bytes + n.resident_bytes));
  }
  fmt::print("peak of the job: {} of a budget of {}\n", memory_text(peak), memory_text(budget));
}

void print_json(const std::vector<runtime::PlannedNetwork>& networks, std::size_t peak,
                std::size_t budget) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const runtime::PlannedNetwork& n : networks) {
    rows.push_back({{"network", n.name},
                    {"runs", n.runs},
                    {"activations", n.arena_bytes},
                    {"resident", n.resident_bytes},
                    {"streamed", n.streamed_bytes},
                    {"peak", n.arena_bytes + n.resident_bytes}});
  }
  print_event({{"event", "plan"}, {"networks", rows}, {"peak", peak}, {"budget", budget}});
}

Status run_plan(const PlanOptions& options) {
  OBSCURA_ASSIGN(graph::WorkflowFile file,
                 read_workflow_source(options.file, options.engine.models));
  OBSCURA_TRY(apply_settings(file.workflow, options.assignments, std::nullopt));
  OBSCURA_ASSIGN(
      EngineOptions engine_options,
      options.engine.options(std::filesystem::path(options.file).parent_path() / "input"));
  std::vector<runtime::PlannedNetwork> networks;
  MemorySink sink;
  OBSCURA_ASSIGN(auto device, create_device(engine_options));
  OBSCURA_ASSIGN(auto engine, Engine::open(engine_options, sink,
                                           runtime::planning_device(std::move(device), networks)));
  OBSCURA_ASSIGN(graph::Validation validation, engine->validate(file.workflow, file.targets));
  auto progress = make_progress(ProgressStyle::kNone, validation.resolved.nodes.size());
  auto report = engine->run(validation, file.extra_pnginfo, *progress, cancel_on_signals());
  const std::size_t peak = engine->session().peak_held_bytes(), budget = engine->session().budget();
  // What was planned before the network that does not fit is shown all the same.
  (options.json ? print_json : print_table)(networks, peak, budget);
  return report.ok() ? Status() : Status(report.error());
}

const RegisterCommand kPlan(30, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand(
      "plan", "Show what a workflow will need in memory, network by network; runs none of them");
  command->add_option("FILE", options->file, "A workflow, or an image that carries one")
      ->required();
  command->add_option("--set", options->assignments, "NODE.INPUT=VALUE, as for render");
  options->engine.declare(*command);
  command->add_flag("--json", options->json, "Print the plan as JSON, in bytes");
  command->footer(
      "Exit status: 0 it fits, 1 it does not.\n"
      "Examples:\n"
      "  obscura plan workflows/product_shot.json --budget 64MiB\n"
      "  obscura plan job.json --models ~/ComfyUI --set EmptyLatentImage.width=2048 --json");
  command->callback([options, &action] { action = [options] { return run_plan(*options); }; });
});

}  // namespace
}  // namespace obscura::app
