#include "nodes/loaders/model_inputs.h"

#include <vector>

#include "library/model_folders.h"

namespace obscura::nodes {

using namespace graph;

InputSpec model_input(const char* name, const char* kind, const char* tooltip) {
  return choice(name,
                [kind](const Environment& environment) {
                  return environment.get<library::ModelFolders>().list(kind);
                })
      .tooltip(tooltip);
}

FingerprintHook fingerprint_of(const char* kind, std::initializer_list<const char*> inputs) {
  return [kind, names = std::vector<const char*>(inputs)](
             const NodeInputs& given,
             const Environment& environment) -> Result<std::optional<std::string>> {
    std::string identities;
    for (const char* name : names) {
      // A name that arrives over a link is known only later; what it then means is looked up each
      // time.
      if (!given.has(name)) return std::optional<std::string>();
      OBSCURA_ASSIGN(std::string identity, environment.get<library::ModelFolders>().identity(
                                               kind, given.get<std::string>(name)));
      identities += identity + "\n";
    }
    return std::optional<std::string>(std::move(identities));
  };
}

Result<std::shared_ptr<const pipeline::ModelFile>> open_model(const NodeCall& call,
                                                              const char* kind, const char* input) {
  OBSCURA_ASSIGN(auto file, call.environment<library::ModelFolders>().open(
                                kind, call.get<std::string>(input)));
  const auto& unknown = file->layout().tensors.unknown;
  if (!unknown.empty()) {
    call.warn(file->name() + ": " + std::to_string(unknown.size()) +
              " tensors have no place in the model and are left out, the first is " +
              unknown.front()->name);
  }
  return file;
}

}  // namespace obscura::nodes
