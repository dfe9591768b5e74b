#include "runtime/planning_device.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "backend/holdings.h"
#include "backend/load_weights.h"
#include "backend/parameter_store.h"

namespace obscura::runtime {
namespace {

using backend::Executable;
using backend::WeightReader;

// Memory that nobody reads or writes: its size is all there is to it.
class Unreal final : public backend::Memory {
 public:
  explicit Unreal(std::size_t bytes) : bytes_(bytes) {}
  std::byte* data() const override {
    static std::byte anywhere;
    return &anywhere;
  }
  std::size_t bytes() const override { return bytes_; }

 private:
  std::size_t bytes_;
};

Result<backend::MemoryPtr> allocate_nothing(std::size_t bytes) {
  return backend::MemoryPtr(std::make_shared<Unreal>(bytes));
}

// Holds what a Runner would, by the same rules.
class PlanningExecutable final : public Executable {
 public:
  PlanningExecutable(std::unique_ptr<Executable> real, std::vector<PlannedNetwork>& networks,
                     backend::Holdings& holdings)
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
    const auto kept = std::move(weights_);
    unload();
    plan_ = std::move(plan);
    OBSCURA_TRY(holdings_.reserve_arena(plan_.arena_bytes, plan_.layout.piece_bytes));
    weights_ = backend::held_weights(graph(), plan_, holdings_, weights);
    OBSCURA_TRY(backend::place_resident(graph(), plan_, holdings_, weights, weights_));
    OBSCURA_ASSIGN(parameters_, store_->place(graph(), plan_.layout.piece_bytes, holdings_));
    loaded_ = true;
    return {};
  }
  void unload() override {
    weights_.clear();
    parameters_.clear();
    loaded_ = false;
  }
  bool loaded() const override { return loaded_; }
  std::size_t missing_bytes(const plan::Plan& plan, const WeightReader& weights) const override {
    return backend::missing_weight_bytes(graph(), plan, holdings_, weights) +
           store_->missing_bytes(graph());
  }
  void keep_weights(const plan::Plan& plan, const WeightReader& weights) override {
    weights_ = backend::held_weights(graph(), plan, holdings_, weights);
  }
  void visit_held(const backend::HeldVisitor& visit) const override {
    for (std::size_t i = 0; loaded_ && i < weights_.size(); ++i)
      if (plan_.weights[i].resident) visit(weights_[i].get(), weights_[i]->bytes);
    for (const auto& placed : parameters_) visit(placed.get(), placed->bytes);
  }
  void bind_parameters(std::shared_ptr<backend::ParameterStore> store) override {
    store_ = std::move(store);
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
  std::unique_ptr<Executable> real_;
  std::vector<PlannedNetwork>& networks_;
  backend::Holdings& holdings_;
  std::optional<std::size_t> index_;
  plan::Plan plan_;
  std::vector<std::shared_ptr<backend::MemoryPart>> weights_;  // or those that are kept
  std::shared_ptr<backend::ParameterStore> store_ = std::make_shared<backend::ParameterStore>();
  backend::ParameterStore::Places parameters_;
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
  std::size_t arena_bytes() const override { return holdings_.arena_bytes(); }
  std::size_t weight_bytes() const override { return holdings_.weight_bytes(); }
  void release_arena() override { holdings_.release_arena(); }

 private:
  std::unique_ptr<backend::Device> real_;
  std::vector<PlannedNetwork>& networks_;
  backend::Holdings holdings_{allocate_nothing};
};

}  // namespace

std::unique_ptr<backend::Device> planning_device(std::unique_ptr<backend::Device> device,
                                                 std::vector<PlannedNetwork>& networks) {
  return std::make_unique<PlanningDevice>(std::move(device), networks);
}

}  // namespace obscura::runtime
