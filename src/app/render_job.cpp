#include "app/render_job.h"

#include <fmt/format.h>

#include <cstdio>

#include <CLI/CLI.hpp>

#include "app/interrupt.h"
#include "app/memory_size.h"
#include "app/progress.h"
#include "base/count_text.h"
#include "base/error_name.h"
#include "library/output_folder.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

void print_path(const std::filesystem::path& path, ProgressStyle style) {
  // The path must not stand behind a half-drawn bar where both go to one terminal.
  if (style == ProgressStyle::kBar) std::fputs("\r\x1b[K", stderr);
  fmt::print("{}\n", path.string());
  std::fflush(stdout);
}

void announce(const library::FinishedImage& image, const std::filesystem::path& path,
              ProgressStyle style) {
  if (style != ProgressStyle::kJson) return print_path(path, style);
  ordered_json event = {{"event", "result"},
                        {"path", path.string()},
                        {"node", image.node.id},
                        {"index", image.index},
                        {"sha256", image.pixel_sha256}};
  event["seed"] = image.seed ? ordered_json(*image.seed) : ordered_json();
  print_event(event);
}

void announce(const library::FinishedFile& file, const std::filesystem::path& path,
              ProgressStyle style) {
  if (style == ProgressStyle::kJson)
    print_event({{"event", "result"}, {"path", path.string()}, {"node", file.node.id}});
  else
    print_path(path, style);
}

Status run(const graph::WorkflowFile& file, const RenderFlags& flags,
           const std::filesystem::path& default_input, std::size_t& written) {
  CancelToken cancel = cancel_on_signals();
  OBSCURA_ASSIGN(EngineOptions options, flags.engine.options(default_input));
  options.output = options.temporary = flags.out;
  ProgressStyle style = progress_style(flags.json, flags.quiet);
  std::unique_ptr<graph::Observer> progress;
  library::OutputFolder folder(
      {.root = flags.out,
       .temporary = flags.out,
       .clean = flags.clean,
       .on_stored =
           [&](const library::FinishedImage& image, const std::filesystem::path& path) {
             ++written;
             announce(image, path, style);
           },
       .on_file_stored =
           [&](const library::FinishedFile& stored, const std::filesystem::path& path) {
             ++written;
             announce(stored, path, style);
           }});
  OBSCURA_ASSIGN(std::unique_ptr<Engine> engine, Engine::open(options, folder));
  OBSCURA_ASSIGN(graph::Validation validation, engine->validate(file.workflow, file.targets));
  for (const std::string& warning : file.warnings) fmt::print(stderr, "warning: {}\n", warning);
  for (const std::string& warning : validation.warnings)
    fmt::print(stderr, "warning: {}\n", warning);
  progress = make_progress(style, validation.resolved.nodes.size());
  auto report = engine->run(validation, file.extra_pnginfo, *progress, cancel);
  return report.ok() ? Status() : Status(report.error());
}

}  // namespace

void EngineFlags::declare(CLI::App& command) {
  command.add_option("--device", device, "auto (the best GPU, else the CPU), cpu, cuda or cuda:N")
      ->capture_default_str();
  command
      .add_option("--precision", precision,
                  "What the networks compute in; auto is the device's own choice")
      ->capture_default_str();
  command.add_option("--budget", budget,
                     "Memory that the networks may use, as in 8GiB or 512MiB; all that is free "
                     "unless given");
  command.add_option("--models", models,
                     "A models folder of ComfyUI or AUTOMATIC1111, as it is; may be repeated. "
                     "Without it: $OBSCURA_MODELS, else ~/.local/share/obscura/models");
  command.add_option("--input", input,
                     "Folder of the images that the workflow reads; the folder `input` beside "
                     "the workflow unless given");
}

void EngineFlags::declare_preview_method(CLI::App& command) {
  command
      .add_option("--preview-method", preview_method,
                  "What images in progress are made with: auto (TAESD where the folder vae_approx "
                  "has it), taesd, latent2rgb or none")
      ->capture_default_str();
}

Result<EngineOptions> EngineFlags::options(const std::filesystem::path& default_input) const {
  EngineOptions options;
  options.device = device;
  options.precision = precision;
  if (!budget.empty()) {
    Result<std::size_t> bytes = parse_memory_size(budget);
    if (!bytes.ok()) return bytes.error().in("--budget");
    options.budget = *bytes;
  }
  const auto method = library::preview_method_from_name(preview_method);
  if (!method) {
    return Error(
        ErrorKind::kInvalidInput,
        "--preview-method: wanted auto, taesd, latent2rgb or none, found " + preview_method);
  }
  options.previews = *method;
  options.models.assign(models.begin(), models.end());
  options.input = input.empty() ? default_input : std::filesystem::path(input);
  return options;
}

void RenderFlags::declare(CLI::App& command) {
  command.add_option("--out", out, "Folder for the images")->capture_default_str();
  command.add_option("--seed", seed, "Sets the seed of every sampling node");
  engine.declare(command);
  command.add_flag("--json", json, "Print events as JSON, one object a line");
  command.add_flag("--clean", clean,
                   "Write nothing but pixels into the images, and the recipe beside them");
  command.add_flag("--quiet", quiet, "Show no progress");
}

Status render(const graph::WorkflowFile& file, const RenderFlags& flags,
              const std::filesystem::path& default_input) {
  std::size_t written = 0;
  Status status = run(file, flags, default_input, written);
  if (status.ok()) return status;
  Error error = status.error();
  if (error.kind() == ErrorKind::kCancelled) {
    error = Error(
        ErrorKind::kCancelled,
        fmt::format("{} on request; {}", error.message(),
                    written == 0 ? "nothing was written" : "kept " + count_text(written, "file")));
  }
  if (flags.json) {
    print_event(
        {{"event", "error"}, {"kind", name_of(error.kind())}, {"message", error.message()}});
  }
  return error;
}

}  // namespace obscura::app
