// Runs a validated workflow: from each output back to what it needs, in the order of declared
// inputs, each node once.
//
// Results are cached by content: a key is made of the class, its version, the constants, the keys
// of what is linked, the fingerprint and the caller's salt, and of nothing else. Node ids,
// positions, titles and the order in the file do not matter; changing one input re-runs that node
// and what depends on it.
//
// A result is held until everything that may need it has run; after that only the cache keeps it.
//
// Lists: a node is called once for each element of its longest input list, shorter lists repeat
// their last element, and an empty list means no call and empty outputs. A node declared
// inputs_as_lists() is called once with whole lists. Values that arrive over links are checked
// against the declared type, bounds and choices before the body sees them.
//
// Thread safety: none; one executor a worker thread. Only the cancel token may be used from
// elsewhere.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "graph/environment.h"
#include "graph/observer.h"
#include "graph/result_cache.h"
#include "graph/validate.h"

namespace obscura::graph {

struct RunOptions {
  CancelToken cancel;
  // What else decides the results: device, precision, noise source. Part of every cache key.
  std::string salt;
  // ComfyUI's extra_pnginfo: {"workflow": <editor form>}, for nodes that save it.
  nlohmann::ordered_json extra_pnginfo = nlohmann::ordered_json::object();
};

struct RunReport {
  // Of every node that shows something, executed or served from the cache, in the order of events.
  std::vector<std::pair<NodeRef, nlohmann::json>> ui;
  std::vector<std::string> executed;
  std::vector<std::string> cached;
};

class Executor {
 public:
  static constexpr std::size_t kDefaultCacheBytes = std::size_t{4} << 30;

  // `environment` is borrowed.
  explicit Executor(const Environment& environment, std::size_t cache_bytes = kDefaultCacheBytes)
      : environment_(environment), cache_(cache_bytes) {}

  // Stops at the first error. kCancelled once the token is set: before the next node, or within one
  // that looks at it. Errors name node and class; a body that throws ends as kInternal,
  // std::bad_alloc as kOutOfMemory.
  Result<RunReport> run(const ResolvedWorkflow& workflow, const RunOptions& options,
                        Observer& observer);

  ResultCache& cache() { return cache_; }

 private:
  const Environment& environment_;
  ResultCache cache_;
};

}  // namespace obscura::graph
