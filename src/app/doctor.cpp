// `obscura doctor`: whether this machine can do the work, and what to do if not.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/memory_sink.h"
#include "app/progress.h"
#include "app/render_job.h"
#include "app/version.h"
#include "backend/self_check.h"
#include "base/count_text.h"
#include "base/hash.h"
#include "base/memory_text.h"
#include "checkpoint/pocket.h"

namespace obscura::app {
namespace {

// Operations of the U-Net for an image and its guidance at 1024x1024.
constexpr double kGuidedStep = 13.52e12;

// The shortest way through every kind of network.
constexpr char kSelfTest[] = R"({
  "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "%MODEL%"}},
  "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a red ball on sand"}},
  "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
  "4": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": 1, "steps": 1, "cfg": 1.0,
        "sampler_name": "euler", "scheduler": "normal", "positive": ["2", 0], "negative": ["2", 0],
        "latent_image": ["3", 0], "denoise": 1.0}},
  "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
  "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "doctor"}}
})";

class Report {
 public:
  void line(std::string_view what, const std::string& text) {
    fmt::print("{:<12} {}\n", what, text);
  }
  void trouble(std::string_view what, const std::string& text, const std::string& remedy) {
    ++troubles_;
    fmt::print("{:<12} TROUBLE: {}\n{:<12} -> {}\n", what, text, "", remedy);
  }
  std::size_t troubles() const { return troubles_; }

 private:
  std::size_t troubles_ = 0;
};

void check_device(Report& report, const std::string& name) {
  auto device = backend::create_device(name);
  Status status = device.ok() ? backend::self_check(**device) : Status(device.error());
  if (status.ok()) {
    report.line("", "norms, convolutions, attention and products come out right");
  } else {
    report.trouble(name, status.error().message(),
                   "`--device auto` leaves it alone; please report this line");
  }
}

void report_devices(Report& report) {
  bool gpu = false, told = false;
  for (const backend::BackendInfo& info : backend::backends()) {
    for (const backend::DeviceDescription& device : info.probe()) {
      gpu = gpu || device.kind == backend::DeviceKind::kGpu;
      report.line(device.name, device.hardware);
      report.line("", fmt::format("{} of {} free; {}", memory_text(device.available_bytes),
                                  memory_text(device.total_bytes), device.libraries));
      report.line("", fmt::format("kind {}, precisions {}", backend::name_of(device.kind),
                                  fmt::join(device.precisions, ", ")));
      check_device(report, device.name);
      if (device.estimated_flops > 0)
        report.line("", fmt::format("about {:.2g} s for a step of SDXL at 1024x1024 with guidance: "
                                    "an estimate from what the chip has, not measured",
                                    kGuidedStep / device.estimated_flops));
    }
    for (const backend::Trouble& trouble : info.diagnose()) {
      told = true;
      report.line("gpu", trouble.what);
      report.line("", "-> " + trouble.remedy);
    }
  }
  if (gpu || told) return;
  std::error_code error;
  bool driver = std::filesystem::exists("/proc/driver/nvidia/version", error);
  report.line("gpu", driver ? "an NVIDIA driver is loaded, but this program was built without CUDA"
                            : "none found; networks run on the CPU");
  report.line("", driver ? "-> build Obscura on a machine with the CUDA toolkit and cuDNN"
                         : "-> if this machine has an NVIDIA GPU, install its driver until "
                           "`nvidia-smi` lists it");
}

void report_models(Report& report, const EngineOptions& options) {
  for (const std::filesystem::path& root :
       options.models.empty() ? default_model_folders() : options.models) {
    std::error_code error;
    bool there = std::filesystem::is_directory(root, error);
    library::ModelFolders folders;
    folders.add_root(root);
    report.line(
        "models",
        root.string() + (there ? ": " + count_text(folders.list("checkpoints").size(), "checkpoint")
                               : ": not there; --models names another folder"));
  }
}

Status self_test(Engine& engine) {
  std::string text = kSelfTest;
  text.replace(text.find("%MODEL%"), 7, checkpoint::kPocketModelName);
  OBSCURA_ASSIGN(graph::Workflow workflow, graph::Workflow::parse(text));
  OBSCURA_ASSIGN(graph::Validation validation, engine.validate(workflow, {}));
  auto quiet = make_progress(ProgressStyle::kNone, validation.resolved.nodes.size());
  auto result = engine.run(validation, nlohmann::ordered_json::object(), *quiet, CancelToken());
  return result.ok() ? Status() : Status(result.error());
}

Status run_doctor(const EngineFlags& flags) {
  OBSCURA_ASSIGN(EngineOptions options, flags.options("input"));
  Report report;
  report.line("obscura", fmt::format("{} ({})", version(), revision()));
  report_devices(report);
  report_models(report, options);

  MemorySink sink;
  OBSCURA_ASSIGN(auto engine, Engine::open(options, sink));
  OBSCURA_ASSIGN(auto pocket, engine->models().open("checkpoints", checkpoint::kPocketModelName));
  OBSCURA_ASSIGN(std::string wanted, pocket->sha256());
  std::string found = sha256_hex(checkpoint::pocket_model());
  if (found == wanted) {
    report.line("pocket", fmt::format("{}, {}, as published", checkpoint::kPocketModelName,
                                      memory_text(checkpoint::pocket_model().size())));
  } else {
    report.trouble("pocket", "its SHA-256 is " + found + ", wanted " + wanted,
                   "the program's file is damaged: build or copy it again");
  }
  auto begin = std::chrono::steady_clock::now();
  Status status = self_test(*engine);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (status.ok()) {
    report.line("self-test",
                fmt::format("text encoders, U-Net and VAE ran in {:.2f} s on {}", seconds.count(),
                            engine->session().device().describe().name));
  } else {
    report.trouble("self-test", status.error().message(), "please report this line");
  }
  if (report.troubles() == 0) return {};
  return Error(ErrorKind::kInternal, count_text(report.troubles(), "trouble") + " found");
}

const RegisterCommand kDoctor(60, [](CLI::App& app, std::function<Status()>& action) {
  auto flags = std::make_shared<EngineFlags>();
  CLI::App* command = app.add_subcommand(
      "doctor", "Look at hardware, memory, models and libraries, and run a short self-test");
  flags->declare(*command);
  command->footer("Examples:\n  obscura doctor\n  obscura doctor --models ~/ComfyUI --device cpu");
  command->callback([flags, &action] { action = [flags] { return run_doctor(*flags); }; });
});

}  // namespace
}  // namespace obscura::app
