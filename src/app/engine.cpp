#include "app/engine.h"

#include <cstdlib>
#include <system_error>

#include "app/model_defaults.h"
#include "app/version.h"
#include "graph/suggest.h"

namespace obscura::app {
namespace {

namespace fs = std::filesystem;

Result<std::string> chosen_precision(const std::string& wanted,
                                     const backend::DeviceDescription& device) {
  if (wanted == "auto") return device.precisions.empty() ? "fp32" : device.precisions.front();
  for (const std::string& precision : device.precisions)
    if (precision == wanted) return precision;
  return Error(ErrorKind::kInvalidInput, "--precision: wanted one of auto, " +
                                             graph::list_in_quotes(device.precisions) + " on " +
                                             device.name + ", found " + graph::in_quotes(wanted));
}

}  // namespace

std::vector<fs::path> default_model_folders() {
  std::vector<fs::path> folders;
  if (const char* listed = std::getenv("OBSCURA_MODELS"); listed != nullptr && *listed != '\0') {
    std::string_view rest = listed;
    while (!rest.empty()) {
      std::size_t colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    return folders;
  }
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
    folders.push_back(fs::path(data) / "obscura/models");
  } else if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    folders.push_back(fs::path(home) / ".local/share/obscura/models");
  }
  return folders;
}

Result<std::unique_ptr<backend::Device>> create_device(const EngineOptions& options) {
  return backend::create_device(options.device,
                                options.precision == "auto" ? "" : options.precision);
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options,
                                             library::ImageSink& sink) {
  OBSCURA_ASSIGN(auto device, create_device(options));
  // Never another one: its images would have other bits.
  EngineOptions same = options;
  same.device = device->describe().name;
  return open(options, sink, std::move(device), [same] { return create_device(same); });
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options, library::ImageSink& sink,
                                             std::unique_ptr<backend::Device> device,
                                             runtime::Session::DeviceFactory again) {
  for (const fs::path& root : options.models) {
    std::error_code error;
    if (!fs::is_directory(root, error))
      return Error(ErrorKind::kNotFound, "--models: there is no folder " + root.string());
  }
  OBSCURA_ASSIGN(std::string precision, chosen_precision(options.precision, device->describe()));
  std::unique_ptr<Engine> engine(new Engine(options, sink, std::move(device), std::move(again)));
  engine->facts_.precision = std::move(precision);
  return engine;
}

Engine::Engine(const EngineOptions& options, library::ImageSink& sink,
               std::unique_ptr<backend::Device> device, runtime::Session::DeviceFactory again)
    : session_(
          std::make_unique<runtime::Session>(std::move(device), options.budget, std::move(again))),
      input_(options.input),
      facts_{std::string(version()), std::string(revision()), ""},
      previews_(options.previews) {
  open_model_folders(models_, options.models);
  input_.set_output(options.output, options.temporary);
  shared_.provide(*session_);
  shared_.provide(models_);
  shared_.provide(input_);
  shared_.provide(facts_);
  shared_.provide(previews_);
  shared_.provide(sink);
  environment_ = shared_;
  executor_.emplace(environment_);
}

graph::Environment Engine::environment_of(const Place& place) const {
  graph::Environment environment = shared_;
  environment.provide(place.models);
  environment.provide(place.input);
  environment.provide(place.sink);
  return environment;
}

void Engine::move_to(const Place& place) {
  environment_ = environment_of(place);
  place_ = place.name;
}

Result<graph::Validation> Engine::validate(const graph::Workflow& workflow,
                                           const std::vector<std::string>& targets) const {
  graph::Validation validation =
      graph::validate(workflow, graph::NodeRegistry::builtin(), shared_, {.targets = targets});
  if (!validation.complete()) return validation.to_error();
  return validation;
}

Result<graph::RunReport> Engine::run(const graph::Validation& validation,
                                     const nlohmann::ordered_json& extra_pnginfo,
                                     graph::Observer& observer, const CancelToken& cancel) {
  graph::RunOptions options;
  options.cancel = cancel;
  const backend::DeviceDescription device = session_->device().describe();
  options.salt = device.name + "\n" + device.libraries + "\n" + device.kernel_set + "\n" +
                 facts_.precision + "\n" + place_;
  options.extra_pnginfo = extra_pnginfo;
  return executor_->run(validation.resolved, options, observer);
}

}  // namespace obscura::app
