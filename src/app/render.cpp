// `obscura render`: runs a workflow.
#include <memory>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/render_job.h"
#include "app/workflow_source.h"

namespace obscura::app {
namespace {

struct RenderOptions {
  std::string file;
  std::vector<std::string> assignments;
  RenderFlags flags;
};

Status run_render(const RenderOptions& options) {
  OBSCURA_ASSIGN(graph::WorkflowFile file,
                 read_workflow_source(options.file, options.flags.engine.models));
  OBSCURA_TRY(apply_settings(file.workflow, options.assignments, options.flags.seed));
  return render(file, options.flags, std::filesystem::path(options.file).parent_path() / "input");
}

const RegisterCommand kRender(10, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<RenderOptions>();
  CLI::App* command = app.add_subcommand(
      "render", "Run a workflow; the first line on stdout for each image is its path");
  command
      ->add_option("FILE", options->file,
                   "A workflow of ComfyUI's (API or editor form), or an image that carries one")
      ->required();
  command->add_option("--set", options->assignments,
                      "NODE.INPUT=VALUE: sets one input; NODE is an id, a title or a class name. "
                      "May be repeated");
  options->flags.declare(*command);
  command->footer(
      "Examples:\n"
      "  obscura render workflows/product_shot.json\n"
      "  obscura render workflows/product_shot.json --seed 7 --set KSampler.steps=30 --out shots\n"
      "  obscura render output/ComfyUI_00001_.png --set KSampler.cfg=5\n"
      "  obscura render job.json --models ~/ComfyUI --budget 8GiB --json");
  command->callback([options, &action] { action = [options] { return run_render(*options); }; });
});

}  // namespace
}  // namespace obscura::app
