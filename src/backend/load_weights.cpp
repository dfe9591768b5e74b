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

class Loader {
 public:
  explicit Loader(const LoadingWeights& loading)
      : loading_(loading), feed_(loading.device.feed(loading.reader)) {}

  Result<std::vector<std::shared_ptr<PreparedWeight>>> run() {
    const auto& planned = loading_.plan.weights;
    weights_.resize(planned.size());
    std::vector<std::size_t> resident, streamed;
    for (std::size_t i = 0; i < planned.size(); ++i) {
      if (!planned[i].resident && !loading_.plan.layout.prefetches) continue;
      weights_[i] = loading_.holdings.find(key(i));
      if (weights_[i] == nullptr) (planned[i].resident ? resident : streamed).push_back(i);
    }
    // Nothing runs while weights are loaded, so the arena is free for what they pass through.
    if (!resident.empty() || !streamed.empty()) loading_.holdings.arena_user = nullptr;
    OBSCURA_TRY(load_resident(resident));
    OBSCURA_TRY(load_streamed(streamed));
    OBSCURA_TRY(loading_.device.wait());
    return std::move(weights_);
  }

 private:
  std::string key(std::size_t index) const {
    const plan::PlannedWeight& weight = loading_.plan.weights[index];
    return weight_key(loading_.graph.value(weight.value), weight, loading_.reader);
  }

  // Places for the weights, in memory of allocate(bytes).
  template <class Allocate>
  Status place(const std::vector<std::size_t>& indices, std::size_t piece_bytes,
               const Allocate& allocate) {
    std::vector<std::size_t> sizes;
    for (std::size_t i : indices) sizes.push_back(loading_.plan.weights[i].bytes);
    const plan::Pieces pieces = plan::fill_pieces(sizes, piece_bytes);
    std::vector<MemoryPtr> memory;
    for (std::size_t bytes : pieces.bytes) {
      OBSCURA_ASSIGN(MemoryPtr piece, allocate(bytes));
      memory.push_back(std::move(piece));
    }
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const MemoryPtr& piece = memory[pieces.places[i].piece];
      weights_[indices[i]] = std::make_shared<PreparedWeight>(
          PreparedWeight{piece, piece->data() + pieces.places[i].offset, sizes[i]});
    }
    return {};
  }

  Status load_resident(const std::vector<std::size_t>& indices) {
    OBSCURA_TRY(place(indices, loading_.device.weight_piece_bytes(),
                      [&](std::size_t bytes) { return loading_.holdings.allocate(bytes); }));
    for (std::size_t i : indices) {
      OBSCURA_TRY(prepare(i, weights_[i]->data));
      loading_.holdings.remember(key(i), weights_[i]);
    }
    return {};
  }

  Status load_streamed(const std::vector<std::size_t>& indices) {
    if (indices.empty()) return {};
    OBSCURA_TRY(
        place(indices, 0, [&](std::size_t bytes) { return loading_.device.allocate_host(bytes); }));
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
      loading_.holdings.remember(key(i), weights_[i]);
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
  std::vector<std::shared_ptr<PreparedWeight>> weights_;
};

}  // namespace

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

Result<std::vector<std::shared_ptr<PreparedWeight>>> load_weights(const LoadingWeights& loading) {
  return Loader(loading).run();
}

}  // namespace obscura::backend
