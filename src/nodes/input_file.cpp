#include "nodes/input_file.h"

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "library/input_folder.h"

namespace obscura::nodes {

using graph::Environment;
using graph::NodeInputs;

graph::FingerprintHook fingerprint_of_input_file(const char* input) {
  return [=](const NodeInputs& inputs,
             const Environment& environment) -> Result<std::optional<std::string>> {
    if (!inputs.has(input)) return std::optional<std::string>();
    OBSCURA_ASSIGN(std::string digest,
                   environment.get<library::InputFolder>().sha256(inputs.get<std::string>(input)));
    return std::optional<std::string>(std::move(digest));
  };
}

graph::ValidateHook validate_input_file(const char* input) {
  return [=](const NodeInputs& inputs, const Environment& environment) -> Status {
    if (!inputs.has(input)) return {};
    auto path = environment.get<library::InputFolder>().find(inputs.get<std::string>(input));
    return path.ok() ? Status() : Status(path.error());
  };
}

}  // namespace obscura::nodes
