// Weights on their way into the forms that kernels read.
#pragma once

#include <memory>
#include <vector>

#include "backend/holdings.h"
#include "backend/lowered.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// What loading borrows.
struct LoadingWeights {
  const ir::Graph& graph;
  const plan::Plan& plan;
  Lowered& device;
  Holdings& holdings;
  WeightReader& reader;
};

// Parallel to the plan's weights: those that somebody holds, else nullptr.
std::vector<std::shared_ptr<MemoryPart>> held_weights(const ir::Graph& graph,
                                                      const plan::Plan& plan,
                                                      const Holdings& holdings,
                                                      const WeightReader& reader);

// Bytes that the resident ones which nobody holds would add to what the device holds: some find
// room where others have left.
std::size_t missing_weight_bytes(const ir::Graph& graph, const plan::Plan& plan,
                                 const Holdings& holdings, const WeightReader& reader);

// Gives the resident ones that nobody holds their places on the device; they are still to be
// prepared, and shared from now on. `weights` is parallel to the plan's.
Status place_resident(const ir::Graph& graph, const plan::Plan& plan, Holdings& holdings,
                      const WeightReader& reader,
                      std::vector<std::shared_ptr<MemoryPart>>& weights);

// Parallel to the plan's weights: resident ones on the device; streamed ones in the host's memory
// where the layout prefetches, else nullptr. Those that somebody holds already are shared. The
// arena has been reserved; nothing runs meanwhile.
Result<std::vector<std::shared_ptr<MemoryPart>>> load_weights(const LoadingWeights& loading);

// Brings the weight that `node` reads as `need` says to `target`, device memory, in that form. What
// it passes through lies at `staging` (the plain form; may be the target without staging bytes) and
// `scratch` (WeightFeed::scratch_bytes).
Status prepare_weight(const LoadingWeights& loading, WeightFeed& feed, std::size_t node,
                      const plan::WeightNeed& need, std::byte* target, std::byte* staging,
                      std::byte* scratch);

}  // namespace obscura::backend
