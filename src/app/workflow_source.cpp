#include "app/workflow_source.h"

#include "base/files.h"
#include "graph/assignment.h"
#include "graph/json_text.h"
#include "graph/node_registry.h"
#include "io/image.h"

namespace obscura::app {
namespace {

using graph::NodeRegistry;
using graph::WorkflowFile;

Result<WorkflowFile> from_picture(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(io::ImageMetadata metadata, io::read_metadata(path));
  const std::string* workflow = io::find_text(metadata, "workflow");
  for (const char* key : {"prompt", "workflow"}) {
    const std::string* text = io::find_text(metadata, key);
    if (text == nullptr) continue;
    OBSCURA_ASSIGN(WorkflowFile file, graph::read_workflow(*text, NodeRegistry::builtin()));
    if (workflow != nullptr) {
      OBSCURA_ASSIGN(file.extra_pnginfo["workflow"], graph::parse_json(*workflow));
    }
    return file;
  }
  return Error(ErrorKind::kInvalidInput,
               "the picture carries no workflow: wanted a text \"prompt\" or \"workflow\", found " +
                   std::to_string(metadata.size()) + " other texts");
}

}  // namespace

Result<WorkflowFile> read_workflow_source(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(MappedFile file, MappedFile::open(path));
  if (io::recognise_image(file.bytes())) {
    Result<WorkflowFile> found = from_picture(path);
    if (!found.ok()) return found.error().in(path.string());
    return found;
  }
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Result<WorkflowFile> found = graph::read_workflow(text, NodeRegistry::builtin());
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
