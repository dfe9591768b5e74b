#include "graph/assignment.h"

#include <string>
#include <utility>
#include <vector>

#include "graph/article.h"
#include "graph/coerce.h"
#include "graph/json_text.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Target {
  const Workflow::Node* node;
  std::string input;
};

// Splits "node.input" at the last dot that leaves a node's name on its left.
Result<Target> find_target(const Workflow& workflow, std::string_view path) {
  const std::size_t last = path.rfind('.');
  if (last == std::string_view::npos) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted node.input=value, found no dot in " + in_quotes(path));
  }
  for (std::size_t dot = last; dot != std::string_view::npos && dot > 0;
       dot = path.rfind('.', dot - 1)) {
    Result<const Workflow::Node*> node = workflow.resolve(path.substr(0, dot));
    if (node.ok()) return Target{*node, std::string(path.substr(dot + 1))};
    if (node.error().kind() == ErrorKind::kInvalidInput) return node.error();  // ambiguous
  }
  return workflow.resolve(path.substr(0, last)).error();
}

Result<ordered_json> parse_value(const InputSpec& spec, const std::string& text) {
  const std::string& type = spec.type();
  if (type == "STRING" || type == "COMBO") return ordered_json(text);
  if (text.starts_with('[') || text.starts_with('{')) return parse_json(text);
  if (spec.takes_constant()) {
    // Bare words are text; 20, 0.5 and true are JSON.
    Result<ordered_json> parsed = parse_json(text);
    OBSCURA_ASSIGN(Coerced coerced, coerce(type, parsed.ok() ? json(*parsed) : json(text)));
    return ordered_json(coerced.value);
  }
  return Error(ErrorKind::kInvalidInput, "wanted a link to " + with_article(type) +
                                             " output, such as [\"4\", 0], found " +
                                             in_quotes(text));
}

}  // namespace

Status assign(Workflow& workflow, const NodeRegistry& registry, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted node.input=value, found no equals sign in " + in_quotes(assignment));
  }
  OBSCURA_ASSIGN(const Target target, find_target(workflow, assignment.substr(0, equals)));
  const NodeRef ref{target.node->id(), target.node->type(), target.node->title()};
  const NodeType* type = registry.find(target.node->type());
  if (!type) {
    return Error(ErrorKind::kNotFound,
                 "no node type " + in_quotes(ref.type) + suggestion(ref.type, registry.names()))
        .in(ref.describe());
  }
  const InputSpec* spec = type->find_input(target.input);
  if (!spec) {
    std::vector<std::string> names;
    for (const InputSpec& input : type->inputs()) names.push_back(input.name());
    const std::string near = suggestion(target.input, names);
    return Error(ErrorKind::kNotFound,
                 "there is no input " + in_quotes(target.input) +
                     (near.empty() ? "; there are " + list_in_quotes(names) : near))
        .in(ref.describe());
  }
  Result<ordered_json> value = parse_value(*spec, std::string(assignment.substr(equals + 1)));
  if (!value.ok()) return value.error().in(ref.describe() + ", input \"" + target.input + "\"");
  const std::string id = ref.id;
  workflow.set_input(id, target.input, std::move(value).value());
  return {};
}

}  // namespace obscura::graph
