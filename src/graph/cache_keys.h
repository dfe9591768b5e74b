// The content keys of a workflow's nodes: equal keys, equal results.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "graph/environment.h"
#include "graph/validate.h"

namespace obscura::graph {

struct CacheKeys {
  std::vector<std::string> keys;  // by index into ResolvedWorkflow::nodes
  // False for nodes whose fingerprint says "run every time", and for what depends on them.
  std::vector<bool> keepable;
};

// Calls the fingerprint hooks. An error, or an exception, of one is returned with its node's name.
Result<CacheKeys> cache_keys(const ResolvedWorkflow& workflow, const Environment& environment,
                             const std::string& salt);

}  // namespace obscura::graph
