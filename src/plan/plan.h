// Where each buffer of a network lives and when each weight is resident, decided before anything
// runs.
//
// A Program's memory is one arena (results, workspace of kernels, weights on their way through)
// plus the weights that stay and the parameters; inputs and outputs lie where the caller has them,
// or in the arena where the device cannot reach that. The plan places every buffer of the arena by
// its lifetime, so arena_bytes is the exact peak, and chooses which weights stay so that the sum
// keeps within a budget; the others are streamed: prepared in the arena before their node, and gone
// after it. Kernels and their inputs are the same either way, so streaming does not change a bit of
// the result.
//
// Knows no device: a backend says what each node needs, the planner returns a plain struct. All
// functions are pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace obscura::plan {

// Of a weight operand, in the form in which a kernel reads it.
struct WeightNeed {
  std::size_t operand = 0;        // index into the node's inputs
  std::size_t bytes = 0;          // prepared
  std::size_t staging_bytes = 0;  // extra memory in the arena while it is being prepared
  std::string form;  // equal forms of one weight are shared: between nodes, and between programs
};

// What a backend needs to run a node.
struct NodeNeeds {
  std::size_t workspace_bytes = 0;
  std::vector<WeightNeed> weights;
  // An operand whose memory the first result may take over when nothing reads it afterwards, nor
  // the node itself a second time; -1 if none.
  int in_place_operand = -1;
};

// A kernel's needs, and every weight operand that it did not list: a plain array of its type.
NodeNeeds with_plain_weights(NodeNeeds needs, const ir::Graph& graph, const ir::Node& node);

// Whether what the kernel wants to prepare are weights: one that a node made, or a parameter, comes
// as a plain array.
bool can_prepare_weights(const NodeNeeds& needs, const ir::Graph& graph, const ir::Node& node);

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
// Of every offset: what GPU libraries want of a pointer, and more than a CPU's cache line.
inline constexpr std::size_t kAlignment = 256;

// The size of a place for so many bytes.
constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// How a device uses a plan.
struct Layout {
  // Inputs and outputs have places in the arena too, since the caller's memory is elsewhere.
  bool holds_inputs_and_outputs = false;
  // A streamed weight is copied while the streamed node before its own runs.
  bool prefetches = false;
  // What the leading nodes make of steady inputs is kept from run to run (ir::hoist_steady). Given
  // up where the budget is too small for it: see Plan::layout.
  bool keeps_steady = false;
  // The most that the device gives in one allocation, a multiple of kAlignment; 0: any size. The
  // arena and the parameters' memory are then allocated in pieces of so many bytes, and no buffer
  // lies across two.
  std::size_t piece_bytes = 0;
  // Weights that are loaded together share allocations of so many bytes; 0: one for all.
  std::size_t weight_piece_bytes = 0;
};

struct PlannedWeight {
  ir::ValueId value = ir::kNoValue;
  std::size_t bytes = 0;
  std::string form;
  bool resident = true;
};

struct PlannedNode {
  std::size_t workspace_offset = kNowhere;
  // Parallel to NodeNeeds::weights.
  std::vector<std::size_t> weights;          // index into Plan::weights
  std::vector<std::size_t> weight_offsets;   // in the arena, for a streamed one
  std::vector<std::size_t> staging_offsets;  // in the arena, for a streamed one that needs it
  // The node from whose start on the places of the streamed ones are free for them.
  std::size_t arrival = 0;
};

// Where a value lies during a run.
struct Location {
  enum class Place { kNone, kArena, kInput, kOutput, kParameter };
  Place place = Place::kNone;  // kNone: weights, and values that nothing uses
  // In the arena or in the parameters' memory; or the position among the graph's inputs or outputs.
  std::size_t offset = 0;

  bool operator==(const Location&) const = default;
};

struct Plan {
  Layout layout;
  // With layout.keeps_steady: so many leading nodes depend on steady inputs and weights alone.
  std::size_t steady_nodes = 0;
  std::size_t arena_bytes = 0;
  std::size_t resident_weight_bytes = 0;
  std::size_t streamed_weight_bytes = 0;  // prepared anew in each run
  // Of the memory that keeps its content from run to run. What is assigned to a parameter is made
  // in the parameter's own place where nothing reads the old content any more, and is copied there
  // at the end of the run where it lies elsewhere.
  std::size_t parameter_bytes = 0;
  std::vector<Location> values;
  std::vector<PlannedNode> nodes;
  std::vector<PlannedWeight> weights;

  std::size_t peak_bytes() const { return arena_bytes + resident_weight_bytes + parameter_bytes; }
};

// `budget` limits peak_bytes(); none means that all weights stay. kOutOfMemory, naming the node, if
// one buffer is larger than a piece of the layout; kOutOfMemory, naming the graph and the bytes
// that are lacking, if it does not fit even with every weight streamed. Parameters always stay.
Result<Plan> make_plan(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                       std::optional<std::size_t> budget, Layout layout = {});

// kInternal if two buffers that live at the same time overlap or one leaves the arena. For tests
// and debug builds.
Status check_plan(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, const Plan& plan);

}  // namespace obscura::plan
