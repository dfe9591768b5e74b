// What a run tells the outside. Each event carries what ComfyUI's websocket message of the same
// name needs, except for prompt_id and timestamp, which the receiver knows.
//
//   started → execution_start                 progress  → progress, progress_state
//   cached → execution_cached                 preview   → binary frame 1 or 4
//   executing → executing                     failed    → execution_error
//   executed (with ui) → executed             interrupted → execution_interrupted
//   succeeded → execution_success, then executing with node null
//
// All calls come from the thread that runs the workflow and must not throw.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/node_call.h"

namespace obscura::graph {

// Where and why a run stopped.
struct RunFailure {
  NodeRef node;
  Error error;                        // with the node's name in front
  std::vector<std::string> executed;  // ids of the nodes that had run
  nlohmann::json inputs;  // {name: [text, ...]}: what the node was given, cut for reading
};

class Observer {
 public:
  virtual ~Observer() = default;

  // False spares nodes the cost of making previews.
  virtual bool wants_previews() const { return false; }

  virtual void started() {}
  // Ids of all nodes whose results are already there.
  virtual void cached(const std::vector<std::string>&) {}
  virtual void executing(const NodeRef&) {}
  virtual void progress(const NodeRef&, std::int64_t /*value*/, std::int64_t /*max*/) {}
  virtual void preview(const NodeRef&, std::span<const std::byte>, std::string_view /*mime*/) {}
  // A node's remark, or the message of a blocker that made it skip.
  virtual void warned(const NodeRef&, const std::string&) {}
  // `ui` is null where the node shows nothing; `seconds` is 0 for an output served from the cache.
  virtual void executed(const NodeRef&, const nlohmann::json& /*ui*/, double /*seconds*/) {}
  virtual void failed(const RunFailure&) {}
  virtual void interrupted(const NodeRef&, const std::vector<std::string>& /*executed*/) {}
  virtual void succeeded() {}
};

}  // namespace obscura::graph
