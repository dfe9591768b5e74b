// What the service needs from the program around it, so that it knows no tensor, device or model.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "graph/environment.h"
#include "graph/node_registry.h"
#include "graph/observer.h"

namespace obscura::server {

struct JobToRun {
  nlohmann::ordered_json prompt;  // API form
  std::vector<std::string> targets;
  nlohmann::ordered_json extra_pnginfo = nlohmann::ordered_json::object();
};

// Runs jobs. One thread makes all calls.
class JobRunner {
 public:
  virtual ~JobRunner() = default;

  // Runs those outputs that are sound, and tells the observer what it does. kCancelled once the
  // token is set.
  virtual Status run(const JobToRun& job, graph::Observer& observer, const CancelToken& cancel) = 0;
  // Between jobs: gives back the memory of loaded models, and forgets the results kept so far.
  virtual void release(bool models, bool results) = 0;
};

struct ModelEntry {
  std::string name;                           // as workflows write it
  std::optional<std::filesystem::path> path;  // none: inside the program
};

// Facts for clients. Thread safe.
class Studio {
 public:
  virtual ~Studio() = default;

  virtual const graph::NodeRegistry& nodes() const = 0;
  // What validation and lists of choices look things up in.
  virtual const graph::Environment& environment() const = 0;

  virtual std::string version() const = 0;
  // "checkpoints", "loras", …
  virtual std::vector<std::string> model_kinds() const = 0;
  // REQUIRES: one of model_kinds().
  virtual std::vector<ModelEntry> models(std::string_view kind) const = 0;
  // A safetensors file's `__metadata__`.
  virtual Result<nlohmann::json> model_metadata(std::string_view kind,
                                                std::string_view name) const = 0;
  // ComfyUI's: [{name, type, index, vram_total, vram_free, torch_vram_total, torch_vram_free}].
  virtual nlohmann::ordered_json devices() const = 0;
  // A PNG of `picture`'s colours and texts with the alpha channel of `mask`; both are files' bytes.
  virtual Result<std::string> with_alpha(std::string_view picture, std::string_view mask) const = 0;
};

}  // namespace obscura::server
