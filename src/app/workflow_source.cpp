#include "app/workflow_source.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <span>

#include "app/model_defaults.h"
#include "base/count_text.h"
#include "base/files.h"
#include "graph/assignment.h"
#include "graph/json_text.h"
#include "graph/node_registry.h"
#include "io/image.h"
#include "workflows/a1111_infotext.h"

namespace obscura::app {
namespace {

using graph::NodeRegistry;
using graph::WorkflowFile;

Result<WorkflowFile> from_parameters(const std::string& parameters,
                                     const library::ModelFolders& models,
                                     std::vector<std::string>& left_out) {
  const workflows::A1111Names names{NodeRegistry::builtin(),
                                    [&](const char* kind) { return models.list(kind); },
                                    /*keep_unknown_models=*/true};
  OBSCURA_ASSIGN(workflows::A1111Workflow found, workflows::a1111_workflow_of(parameters, names));
  left_out = std::move(found.left_out);
  return graph::read_workflow(found.prompt.dump(), NodeRegistry::builtin());
}

Result<WorkflowFile> from_image(std::span<const std::byte> bytes, const std::filesystem::path& path,
                                const std::vector<std::string>& roots) {
  OBSCURA_ASSIGN(io::ImageMetadata texts, io::decode_metadata(bytes, path.string()));
  library::ModelFolders models;
  open_model_folders(models, {roots.begin(), roots.end()});
  OBSCURA_ASSIGN(ImageWorkflow found, workflow_in_image(texts, models));
  for (const std::string& text : found.left_out)
    fmt::print(stderr, "{}: left out of its parameters: {}\n", path.string(), text);
  return std::move(found.file);
}

}  // namespace

Result<ImageWorkflow> workflow_in_image(const io::ImageMetadata& texts,
                                        const library::ModelFolders& models) {
  ImageWorkflow found;
  const std::string* workflow = io::find_text(texts, "workflow");
  for (const char* key : {"prompt", "workflow"}) {
    const std::string* text = io::find_text(texts, key);
    if (text == nullptr) continue;
    OBSCURA_ASSIGN(found.file, graph::read_workflow(*text, NodeRegistry::builtin()));
    if (workflow != nullptr) {
      OBSCURA_ASSIGN(found.file.extra_pnginfo["workflow"], graph::parse_json(*workflow));
    }
    return found;
  }
  if (const std::string* parameters = io::find_text(texts, "parameters")) {
    OBSCURA_ASSIGN(found.file, from_parameters(*parameters, models, found.left_out));
    return found;
  }
  return Error(ErrorKind::kInvalidInput,
               "the image carries no workflow: wanted a text \"prompt\", \"workflow\" or "
               "\"parameters\", found " +
                   count_text(texts.size(), "other text"));
}

Result<WorkflowFile> read_workflow_source(const std::filesystem::path& path,
                                          const std::vector<std::string>& models) {
  OBSCURA_ASSIGN(const std::string text, read_file(path, kMostImageBytes));
  const auto bytes = std::as_bytes(std::span(text));
  Result<WorkflowFile> found = io::recognise_image(bytes).has_value()
                                   ? from_image(bytes, path, models)
                                   : graph::read_workflow(text, NodeRegistry::builtin());
  if (!found.ok()) return found.error().in(path.string());
  return found;
}

Status apply_settings(graph::Workflow& workflow, const std::vector<std::string>& assignments,
                      std::optional<std::uint64_t> seed) {
  for (const std::string& assignment : assignments) {
    Status status = graph::assign(workflow, NodeRegistry::builtin(), assignment);
    if (!status.ok()) return status.error().in("--set " + assignment);
  }
  if (!seed) return {};
  std::vector<std::pair<std::string, std::string>> places;
  for (const graph::Workflow::Node& node : workflow.nodes()) {
    for (const char* name : {"seed", "noise_seed"}) {
      auto input = node.inputs().find(name);
      if (input != node.inputs().end() && input->is_number()) places.emplace_back(node.id(), name);
    }
  }
  for (const auto& [id, name] : places) workflow.set_input(id, name, *seed);
  if (!places.empty()) return {};
  return Error(ErrorKind::kInvalidInput,
               "--seed: no node of the workflow has a number as its seed or noise_seed");
}

}  // namespace obscura::app
