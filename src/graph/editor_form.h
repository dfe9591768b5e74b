// ComfyUI's editor document turned into the API form, which its own server leaves to the browser.
//
// - Widget values are positional: they are read by the declared inputs, required before optional,
// leaving out what only
//   the browser has (control_after_generate after a seed, the upload button after an image).
// - Notes, reroutes and primitive nodes vanish; a primitive's value goes to the inputs it feeds.
// - A muted node (mode 2) vanishes with its links. A bypassed one (mode 4) vanishes too, and each
// of its outputs is
//   replaced by what feeds its input of the same slot, or else its first input, of the same type.
// - Subgraphs are expanded, ids joined by colons.
// What the browser does at random or by date (dynamic prompts "{a|b}", "%date:…%", seeds after each
// run) is not done.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/node_registry.h"
#include "graph/workflow.h"

namespace obscura::graph {

// Nodes of unknown classes are kept, without widget values, so that validation names them.
// `warnings` receives a line for each node whose number of widget values is not what its
// declaration has.
Result<Workflow> from_editor_form(const nlohmann::ordered_json& document,
                                  const NodeRegistry& registry, std::vector<std::string>& warnings);

}  // namespace obscura::graph
