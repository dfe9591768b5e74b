#include "graph/workflow_file.h"

#include <utility>

#include "graph/editor_form.h"
#include "graph/json_text.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

Result<WorkflowFile> read_request(const ordered_json& request) {
  WorkflowFile file;
  OBSCURA_ASSIGN(file.workflow, Workflow::from_json(request.at("prompt")));
  file.form = WorkflowForm::kRequest;
  const auto extra = request.find("extra_data");
  if (extra != request.end() && extra->is_object()) {
    const auto info = extra->find("extra_pnginfo");
    if (info != extra->end() && info->is_object()) file.extra_pnginfo = *info;
  }
  const auto targets = request.find("partial_execution_targets");
  if (targets != request.end() && targets->is_array()) {
    for (const ordered_json& target : *targets) {
      if (!target.is_string()) {
        return Error(
            ErrorKind::kInvalidInput,
            std::string("partial_execution_targets wants node ids, found ") + target.type_name());
      }
      file.targets.push_back(target.get<std::string>());
    }
  }
  return file;
}

Result<WorkflowFile> read_editor(const ordered_json& document, const NodeRegistry& registry) {
  WorkflowFile file;
  OBSCURA_ASSIGN(file.workflow, from_editor_form(document, registry, file.warnings));
  file.form = WorkflowForm::kEditor;
  file.extra_pnginfo["workflow"] = document;
  return file;
}

Error unknown_form(const ordered_json& document) {
  std::string found = document.type_name();
  if (document.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : document.items()) keys.push_back(key);
    found = keys.empty() ? "an empty object" : "an object with the keys " + list_in_quotes(keys, 5);
  }
  return Error(
      ErrorKind::kInvalidInput,
      "wanted a workflow (nodes with class_type, or the editor's \"nodes\" and \"links\"), found " +
          found);
}

}  // namespace

Result<WorkflowFile> read_workflow_json(const ordered_json& document,
                                        const NodeRegistry& registry) {
  switch (detect_form(document)) {
    case WorkflowForm::kApi: {
      WorkflowFile file;
      OBSCURA_ASSIGN(file.workflow, Workflow::from_json(document));
      return file;
    }
    case WorkflowForm::kRequest:
      return read_request(document);
    case WorkflowForm::kEditor:
      return read_editor(document, registry);
    case WorkflowForm::kUnknown:
      break;
  }
  return unknown_form(document);
}

Result<WorkflowFile> read_workflow(std::string_view text, const NodeRegistry& registry) {
  OBSCURA_ASSIGN(const ordered_json document, parse_json(text));
  return read_workflow_json(document, registry);
}

}  // namespace obscura::graph
