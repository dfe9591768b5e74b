#include "app/planning_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

namespace obscura::app {
namespace {

using backend::Executable;
using backend::WeightReader;

// What the device would hold: one arena for all networks, and each prepared weight once, however
// many networks share it.
struct Holdings {
  struct Weight {
    std::size_t bytes = 0;
    int users = 0;
  };
  std::size_t arena = 0;
  std::map<std::string, Weight> weights;

  std::size_t weight_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [key, weight] : weights) bytes += weight.bytes;
    return bytes;
  }
};

class PlanningExecutable final : public Executable {
 public:
  PlanningExecutable(std::unique_ptr<Executable> real, std::vector<PlannedNetwork>& networks,
                     Holdings& holdings)
      : real_(std::move(real)), networks_(networks), holdings_(holdings) {}
  ~PlanningExecutable() override { PlanningExecutable::unload(); }

  const ir::Graph& graph() const override { return real_->graph(); }
  const std::vector<plan::NodeNeeds>& needs() const override { return real_->needs(); }

  Status load(plan::Plan plan, WeightReader& weights) override {
    if (!index_) {
      index_ = networks_.size();
      networks_.push_back({graph().name, plan.arena_bytes, plan.resident_weight_bytes,
                           plan.streamed_weight_bytes, 0});
    }
    holdings_.arena = std::max(holdings_.arena, plan.arena_bytes);
    for (const plan::PlannedWeight& weight : plan.weights)
      if (weight.resident) hold(key(weight, weights), weight.bytes);
    if (plan.parameter_bytes > 0)
      hold(fmt::format("parameters of {}", fmt::ptr(this)), plan.parameter_bytes);
    loaded_ = true;
    return {};
  }
  void unload() override {
    for (const std::string& key : held_) {
      auto shared = holdings_.weights.find(key);
      if (--shared->second.users == 0) holdings_.weights.erase(shared);
    }
    held_.clear();
    loaded_ = false;
  }
  bool loaded() const override { return loaded_; }
  std::size_t missing_weight_bytes(const plan::Plan& plan,
                                   const WeightReader& weights) const override {
    std::size_t missing = 0;
    for (const plan::PlannedWeight& weight : plan.weights)
      if (weight.resident && !holdings_.weights.contains(key(weight, weights)))
        missing += weight.bytes;
    return missing;
  }

  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) override {
    return real_->write_parameter(name, bytes);
  }
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) override {
    return real_->read_parameter(name, bytes);
  }

  Status run(std::span<const backend::InputBinding>,
             std::span<const backend::OutputBinding> outputs, const CancelToken& cancel) override {
    ++networks_[*index_].runs;
    for (const backend::OutputBinding& output : outputs)
      std::memset(output.bytes.data(), 0, output.bytes.size());
    return cancel.check();
  }
  Result<std::vector<double>> profile(std::span<const backend::InputBinding>,
                                      std::span<const backend::OutputBinding>) override {
    return std::vector<double>(graph().nodes.size());
  }

 private:
  void hold(std::string key, std::size_t bytes) {
    Holdings::Weight& shared = holdings_.weights[key];
    shared.bytes = bytes;
    ++shared.users;
    held_.push_back(std::move(key));
  }

  std::string key(const plan::PlannedWeight& weight, const WeightReader& weights) const {
    const ir::WeightSpec& spec = *graph().value(weight.value).weight;
    return weights.identity(spec) + '\n' + spec.shape.text() + '\n' + weight.form;
  }

  std::unique_ptr<Executable> real_;
  std::vector<PlannedNetwork>& networks_;
  Holdings& holdings_;
  std::optional<std::size_t> index_;
  std::vector<std::string> held_;
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
  std::size_t arena_bytes() const override { return holdings_.arena; }
  std::size_t weight_bytes() const override { return holdings_.weight_bytes(); }
  void release_arena() override { holdings_.arena = 0; }

 private:
  std::unique_ptr<backend::Device> real_;
  std::vector<PlannedNetwork>& networks_;
  Holdings holdings_;
};

}  // namespace

std::unique_ptr<backend::Device> planning_device(std::unique_ptr<backend::Device> device,
                                                 std::vector<PlannedNetwork>& networks) {
  return std::make_unique<PlanningDevice>(std::move(device), networks);
}

}  // namespace obscura::app
