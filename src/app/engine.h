// All that a job runs on, put together once: a device with its session, the folders, and the
// executor with its cache.
//
// Not thread safe: one job at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "graph/environment.h"
#include "graph/executor.h"
#include "graph/validate.h"
#include "library/image_sink.h"
#include "library/input_folder.h"
#include "library/model_folders.h"
#include "library/taesd.h"
#include "nodes/image/recipe.h"
#include "runtime/session.h"

namespace obscura::app {

struct EngineOptions {
  std::string device = "auto";
  std::string precision = "auto";
  std::optional<std::size_t> budget;
  library::PreviewMethod previews = library::PreviewMethod::kAuto;
  std::vector<std::filesystem::path> models;
  std::filesystem::path input;
  std::filesystem::path output, temporary;  // for "name [output]" and "name [temp]"
};

// The device that the options name, in their precision.
Result<std::unique_ptr<backend::Device>> create_device(const EngineOptions& options);

// Where jobs of one kind read and write, and which models they may name: a project of the service.
struct Place {
  std::string name;  // results of one place are never given to another
  library::ModelFolders& models;
  library::InputFolder& input;
  library::ImageSink& sink;
};

// The folders of models where none is named: those of $OBSCURA_MODELS, separated by colons, else
// $XDG_DATA_HOME/obscura/models.
std::vector<std::filesystem::path> default_model_folders();

class Engine {
 public:
  // `sink` is borrowed and receives the images. kInvalidInput for a device, precision or folder
  // that is not there.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options,
                                              library::ImageSink& sink);
  // The same on a device that the caller made; `again` makes it anew after it was lost.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options,
                                              library::ImageSink& sink,
                                              std::unique_ptr<backend::Device> device,
                                              runtime::Session::DeviceFactory again = {});

  const graph::Environment& environment() const { return shared_; }
  // The same with the place's folders; for a thread of its own. Borrows what the place refers to.
  graph::Environment environment_of(const Place& place) const;
  runtime::Session& session() { return *session_; }
  library::ModelFolders& models() { return models_; }
  // Drops the results of earlier jobs.
  void forget_results() { executor_->cache().clear(); }

  // Checks the workflow; all of its outputs must be sound.
  Result<graph::Validation> validate(const graph::Workflow& workflow,
                                     const std::vector<std::string>& targets) const;
  Result<graph::RunReport> run(const graph::Validation& validation,
                               const nlohmann::ordered_json& extra_pnginfo,
                               graph::Observer& observer, const CancelToken& cancel);
  // From now on run() reads and writes there.
  void move_to(const Place& place);

 private:
  Engine(const EngineOptions& options, library::ImageSink& sink,
         std::unique_ptr<backend::Device> device, runtime::Session::DeviceFactory again);

  std::unique_ptr<runtime::Session> session_;
  library::ModelFolders models_;
  library::InputFolder input_;
  nodes::RecipeFacts facts_;
  library::PreviewMethod previews_;
  graph::Environment shared_;       // as it was opened; never changes
  graph::Environment environment_;  // of the place where jobs run
  std::string place_;               // its name
  std::optional<graph::Executor> executor_;
};

}  // namespace obscura::app
