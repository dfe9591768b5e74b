#include "runtime/planning_device.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "backend/holdings.h"

namespace obscura::runtime {
namespace {

using backend::Executable;
using backend::WeightReader;

// The bytes of something that the device would hold, for as long as somebody holds this.
using Held = std::shared_ptr<const std::size_t>;

// What the device would hold: one arena for all networks, and each prepared weight once, however
// many networks share it.
class PlannedHoldings {
 public:
  std::size_t arena = 0;

  Held find(const std::string& key) const {
    auto entry = weights_.find(key);
    return entry == weights_.end() ? nullptr : entry->second.lock();
  }
  Held hold(const std::string& key, std::size_t bytes) {
    if (Held held = find(key)) return held;
    Held held = std::make_shared<const std::size_t>(bytes);
    std::erase_if(weights_, [](const auto& entry) { return entry.second.expired(); });
    weights_[key] = held;
    return held;
  }
  std::size_t weight_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [key, weight] : weights_)
      if (Held held = weight.lock()) bytes += *held;
    return bytes;
  }

 private:
  std::map<std::string, std::weak_ptr<const std::size_t>> weights_;
};

class PlanningExecutable final : public Executable {
 public:
  PlanningExecutable(std::unique_ptr<Executable> real, std::vector<PlannedNetwork>& networks,
                     PlannedHoldings& holdings)
      : real_(std::move(real)), networks_(networks), holdings_(holdings) {}

  const ir::Graph& graph() const override { return real_->graph(); }
  const std::vector<plan::NodeNeeds>& needs() const override { return real_->needs(); }
  plan::Layout layout() const override { return real_->layout(); }

  Status load(plan::Plan plan, WeightReader& weights) override {
    if (!index_) {
      index_ = networks_.size();
      networks_.push_back({graph().name, plan.arena_bytes,
                           plan.resident_weight_bytes + plan.parameter_bytes,
                           plan.streamed_weight_bytes, 0});
    }
    unload();
    holdings_.arena = std::max(holdings_.arena, plan.arena_bytes);
    for (const plan::PlannedWeight& weight : plan.weights)
      if (weight.resident) held_.push_back(holdings_.hold(key(weight, weights), weight.bytes));
    loaded_ = true;
    return {};
  }
  void unload() override {
    held_.clear();
    loaded_ = false;
  }
  bool loaded() const override { return loaded_; }
  std::size_t missing_weight_bytes(const plan::Plan& plan,
                                   const WeightReader& weights) const override {
    std::size_t missing = 0;
    for (const plan::PlannedWeight& weight : plan.weights)
      if (weight.resident && holdings_.find(key(weight, weights)) == nullptr)
        missing += weight.bytes;
    return missing;
  }
  void visit_weights(const backend::WeightVisitor& visit) const override {
    for (const Held& held : held_) visit(held.get(), *held);
  }
  Status write_parameter(std::string_view, std::span<const std::byte>) override { return {}; }
  Status read_parameter(std::string_view, std::span<std::byte> bytes) override {
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    return {};
  }

  Status run(std::span<const backend::InputBinding>,
             std::span<const backend::OutputBinding> outputs, const CancelToken& cancel) override {
    ++networks_[*index_].runs;
    for (const backend::OutputBinding& output : outputs)
      if (!output.on_device) std::memset(output.bytes.data(), 0, output.bytes.size());
    return cancel.check();
  }
  Result<std::vector<double>> profile(std::span<const backend::InputBinding>,
                                      std::span<const backend::OutputBinding>) override {
    return std::vector<double>(graph().nodes.size());
  }

 private:
  std::string key(const plan::PlannedWeight& weight, const WeightReader& weights) const {
    return backend::weight_key(graph().value(weight.value), weight, weights);
  }

  std::unique_ptr<Executable> real_;
  std::vector<PlannedNetwork>& networks_;
  PlannedHoldings& holdings_;
  std::optional<std::size_t> index_;
  std::vector<Held> held_;
  bool loaded_ = false;
};

class PlanningDevice final : public backend::Device {
 public:
  PlanningDevice(std::unique_ptr<backend::Device> real, std::vector<PlannedNetwork>& networks)
      : real_(std::move(real)), networks_(networks) {}

  backend::DeviceDescription describe() const override { return real_->describe(); }
  Result<ir::Graph> rewrite(ir::Graph graph) override { return real_->rewrite(std::move(graph)); }
  Result<std::unique_ptr<Executable>> lower(ir::Graph graph) override {
    OBSCURA_ASSIGN(auto executable, real_->lower(std::move(graph)));
    return std::unique_ptr<Executable>(
        std::make_unique<PlanningExecutable>(std::move(executable), networks_, holdings_));
  }
  Result<backend::MemoryPtr> allocate(std::size_t bytes) override { return real_->allocate(bytes); }
  std::size_t arena_bytes() const override { return holdings_.arena; }
  std::size_t weight_bytes() const override { return holdings_.weight_bytes(); }
  void release_arena() override { holdings_.arena = 0; }

 private:
  std::unique_ptr<backend::Device> real_;
  std::vector<PlannedNetwork>& networks_;
  PlannedHoldings holdings_;
};

}  // namespace

std::unique_ptr<backend::Device> planning_device(std::unique_ptr<backend::Device> device,
                                                 std::vector<PlannedNetwork>& networks) {
  return std::make_unique<PlanningDevice>(std::move(device), networks);
}

}  // namespace obscura::runtime
