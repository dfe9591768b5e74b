#include "graph/cache_keys.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "graph/job_boundary.h"

namespace obscura::graph {
namespace {

using nlohmann::json;

Result<std::optional<std::string>> fingerprint(const ResolvedNode& node,
                                               const Environment& environment) {
  if (!node.type->fingerprint_hook()) return std::optional<std::string>("");
  const NodeInputs inputs = constants_of(node.inputs);
  Result<std::optional<std::string>> result =
      guarded([&] { return node.type->fingerprint_hook()(inputs, environment); });
  if (!result.ok()) return result.error().in(node.ref.describe());
  return result;
}

}  // namespace

Result<CacheKeys> cache_keys(const ResolvedWorkflow& workflow, const Environment& environment,
                             const std::string& salt) {
  CacheKeys result;
  for (const ResolvedNode& node : workflow.nodes) {
    OBSCURA_ASSIGN(const std::optional<std::string> mark, fingerprint(node, environment));
    bool keepable = mark.has_value();
    // JSON text is the encoding because it cannot run two fields together; its objects sort their
    // keys.
    json parts = json::array({node.type->id(), node.type->version(), salt, mark.value_or("")});
    if (node.type->keyed_by_id()) parts.push_back({{"id", node.ref.id}});
    for (const ResolvedInput& input : node.inputs) {
      if (input.linked()) {
        keepable = keepable && result.keepable[input.source];
        parts.push_back({{"name", input.spec->name()},
                         {"link", result.keys[input.source]},
                         {"slot", input.slot}});
      } else if (input.constant) {
        parts.push_back({{"name", input.spec->name()}, {"value", *input.constant}});
      }
    }
    // Within a run, equal nodes that must run every time stay apart.
    if (!keepable) parts.push_back({{"every time", node.ref.id}});
    result.keys.push_back(cache_key(parts.dump(-1, ' ', false, json::error_handler_t::replace)));
    result.keepable.push_back(keepable);
  }
  return result;
}

}  // namespace obscura::graph
