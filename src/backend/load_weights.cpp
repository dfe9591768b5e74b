#include "backend/load_weights.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "plan/packing.h"

namespace obscura::backend {
namespace {

// A node that reads the weight in its form: any of them knows how to prepare it.
struct Reader {
  std::size_t node;
  const plan::WeightNeed& need;
};

Reader reader_of(const LoadingWeights& loading, std::size_t index) {
  std::size_t n = 0, w = 0;
  for (; n < loading.plan.nodes.size(); ++n) {
    const auto& indices = loading.plan.nodes[n].weights;
    w = static_cast<std::size_t>(std::find(indices.begin(), indices.end(), index) -
                                 indices.begin());
    if (w < indices.size()) break;
  }
  OBSCURA_CHECK(n < loading.plan.nodes.size(), "a weight that no node reads is in the plan");
  return {n, loading.device.needs()[n].weights[w]};
}

using Weights = std::vector<std::shared_ptr<MemoryPart>>;

std::string key_of(const ir::Graph& graph, const plan::PlannedWeight& weight,
                   const WeightReader& reader) {
  return weight_key(graph.value(weight.value), weight, reader);
}

// Those that are wanted, and that nobody holds.
std::vector<std::size_t> missing(const plan::Plan& plan, const Weights& weights, bool resident) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (weights[i] == nullptr && plan.weights[i].resident == resident) indices.push_back(i);
  return indices;
}

// A place in the smallest of the gaps that is large enough; nullptr without one.
std::shared_ptr<MemoryPart> place_in_gap(std::vector<MemoryPart>& gaps, std::size_t bytes) {
  MemoryPart* smallest = nullptr;
  for (MemoryPart& gap : gaps)
    if (gap.bytes >= bytes && (smallest == nullptr || gap.bytes < smallest->bytes)) smallest = &gap;
  if (smallest == nullptr) return nullptr;
  auto placed = std::make_shared<MemoryPart>(MemoryPart{smallest->memory, smallest->data, bytes});
  const std::size_t taken = std::min(plan::aligned(bytes), smallest->bytes);
  smallest->data += taken;
  smallest->bytes -= taken;
  return placed;
}

// Gives the resident ones that nobody holds places that have become free; returns the others.
std::vector<std::size_t> fill_gaps(const plan::Plan& plan, const Holdings& holdings,
                                   Weights& weights) {
  std::vector<MemoryPart> gaps = holdings.gaps();
  std::vector<std::size_t> others;
  for (std::size_t i : missing(plan, weights, true)) {
    weights[i] = place_in_gap(gaps, plan.weights[i].bytes);
    if (weights[i] == nullptr) others.push_back(i);
  }
  return others;
}

// Places for the weights, in memory of allocate(bytes).
Status place(const plan::Plan& plan, const std::vector<std::size_t>& indices,
             std::size_t piece_bytes, const AllocateMemory& allocate, Weights& weights) {
  std::vector<std::size_t> sizes;
  for (std::size_t i : indices) sizes.push_back(plan.weights[i].bytes);
  OBSCURA_ASSIGN(Weights placed, allocate_parts(sizes, piece_bytes, allocate));
  for (std::size_t i = 0; i < indices.size(); ++i) weights[indices[i]] = std::move(placed[i]);
  return {};
}

class Loader {
 public:
  explicit Loader(const LoadingWeights& loading)
      : loading_(loading),
        feed_(loading.device.feed(loading.reader)),
        weights_(held_weights(loading.graph, loading.plan, loading.holdings, loading.reader)) {}

  Result<Weights> run() {
    // Nothing runs while weights are loaded, so the arena is free for what they pass through.
    const bool prefetches = loading_.plan.layout.prefetches;
    const std::vector<std::size_t> resident = missing(loading_.plan, weights_, true);
    std::vector<std::size_t> streamed;
    if (prefetches) streamed = missing(loading_.plan, weights_, false);
    if (!resident.empty() || !streamed.empty()) loading_.holdings.arena_user = nullptr;
    OBSCURA_TRY(place_resident(loading_.graph, loading_.plan, loading_.holdings, loading_.reader,
                               weights_));
    for (std::size_t i : resident) OBSCURA_TRY(prepare(i, weights_[i]->data));
    OBSCURA_TRY(load_streamed(streamed));
    OBSCURA_TRY(loading_.device.wait());
    return std::move(weights_);
  }

 private:
  Status load_streamed(const std::vector<std::size_t>& indices) {
    if (indices.empty()) return {};
    OBSCURA_TRY(place(
        loading_.plan, indices, 0,
        [&](std::size_t bytes) { return loading_.device.allocate_host(bytes); }, weights_));
    MemoryPtr passing;
    for (std::size_t i : indices) {
      const std::size_t bytes = weights_[i]->bytes;
      if (passing == nullptr || passing->bytes() < bytes) {
        OBSCURA_TRY(loading_.device.wait());
        passing = nullptr;
        OBSCURA_ASSIGN(passing, loading_.holdings.allocate(bytes));
      }
      OBSCURA_TRY(prepare(i, passing->data()));
      OBSCURA_TRY(
          loading_.device.copy(weights_[i]->data, passing->data(), bytes, Lowered::Way::kToHost));
      loading_.holdings.remember(key_of(loading_.graph, loading_.plan.weights[i], loading_.reader),
                                 weights_[i]);
    }
    return loading_.device.wait();
  }

  Status prepare(std::size_t index, std::byte* target) {
    const Reader reader = reader_of(loading_, index);
    const ir::Value& value = loading_.graph.value(loading_.plan.weights[index].value);
    const std::size_t scratch_bytes = plan::aligned(feed_->scratch_bytes(value)),
                      staging_bytes = staged(reader.need, value),
                      wanted = scratch_bytes + staging_bytes;
    MemoryPtr own;
    std::byte* scratch = loading_.holdings.arena(0);
    if (wanted > room_in_arena()) {
      OBSCURA_ASSIGN(own, loading_.holdings.allocate(wanted));
      scratch = own->data();
    }
    std::byte* staging = staging_bytes > 0 ? scratch + scratch_bytes : target;
    OBSCURA_TRY(
        prepare_weight(loading_, *feed_, reader.node, reader.need, target, staging, scratch));
    return own == nullptr ? Status() : loading_.device.wait();
  }

  // Bytes for the plain form. A device that prepares once, before anything runs, always has a
  // place for it.
  std::size_t staged(const plan::WeightNeed& need, const ir::Value& value) const {
    if (need.form == "plain") return 0;
    return loading_.plan.layout.prefetches ? value.type.bytes() : need.staging_bytes;
  }

  std::size_t room_in_arena() const {
    const plan::Layout& layout = loading_.plan.layout;
    const std::size_t bytes = loading_.plan.arena_bytes;
    return layout.piece_bytes == 0 ? bytes : std::min(bytes, layout.piece_bytes);
  }

  const LoadingWeights& loading_;
  std::unique_ptr<WeightFeed> feed_;
  Weights weights_;
};

}  // namespace

Weights held_weights(const ir::Graph& graph, const plan::Plan& plan, const Holdings& holdings,
                     const WeightReader& reader) {
  Weights held;
  for (const plan::PlannedWeight& weight : plan.weights)
    held.push_back(holdings.find(key_of(graph, weight, reader)));
  return held;
}

std::size_t missing_weight_bytes(const ir::Graph& graph, const plan::Plan& plan,
                                 const Holdings& holdings, const WeightReader& reader) {
  Weights weights = held_weights(graph, plan, holdings, reader);
  std::size_t bytes = 0;
  for (std::size_t i : fill_gaps(plan, holdings, weights)) bytes += plan.weights[i].bytes;
  return bytes;
}

Status place_resident(const ir::Graph& graph, const plan::Plan& plan, Holdings& holdings,
                      const WeightReader& reader, Weights& weights) {
  const std::vector<std::size_t> indices = missing(plan, weights, true);
  OBSCURA_TRY(place(
      plan, fill_gaps(plan, holdings, weights), plan.layout.weight_piece_bytes,
      [&](std::size_t bytes) { return holdings.allocate(bytes); }, weights));
  for (std::size_t i : indices)
    holdings.remember(key_of(graph, plan.weights[i], reader), weights[i]);
  return {};
}

Status prepare_weight(const LoadingWeights& loading, WeightFeed& feed, std::size_t node,
                      const plan::WeightNeed& need, std::byte* target, std::byte* staging,
                      std::byte* scratch) {
  const bool plain = need.form == "plain";
  std::byte* read_to = plain ? target : staging;
  const ir::Value& value = loading.graph.value(loading.graph.nodes[node].inputs[need.operand]);
  if (Status status = feed.read(value, read_to, scratch); !status.ok())
    return status.error().in(loading.graph.name);
  return plain ? Status() : loading.device.prepare(node, need.operand, read_to, target);
}

Result<std::vector<std::shared_ptr<MemoryPart>>> load_weights(const LoadingWeights& loading) {
  return Loader(loading).run();
}

}  // namespace obscura::backend
