// A workflow rendered from the command line: what `render` and `txt2img` share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/engine.h"
#include "base/result.h"
#include "graph/workflow_file.h"

namespace CLI {
class App;
}

namespace obscura::app {

// --device, --precision, --budget, --models and --input, as a command line gives them, and
// --preview-method.
struct EngineFlags {
  std::string device = "auto", precision = "auto", budget;
  std::string preview_method = "auto";
  std::vector<std::string> models;
  std::string input;

  void declare(CLI::App& command);
  // For a command that shows images while they are made.
  void declare_preview_method(CLI::App& command);
  // `default_input`: where images are read from unless --input says otherwise.
  Result<EngineOptions> options(const std::filesystem::path& default_input) const;
};

struct RenderFlags {
  EngineFlags engine;
  std::string out = "output";
  std::optional<std::uint64_t> seed;
  bool json = false, clean = false, quiet = false;

  void declare(CLI::App& command);
};

// Runs the workflow and prints each file's path on stdout.
Status render(const graph::WorkflowFile& file, const RenderFlags& flags,
              const std::filesystem::path& default_input);

}  // namespace obscura::app
