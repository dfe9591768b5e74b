#include "adapter/adapted_weights.h"

#include <fmt/format.h>

#include <set>
#include <unordered_map>

#include "adapter/delta.h"
#include "adapter/foreign_adapter.h"

namespace obscura::adapter {
namespace {

// The changes that an adapter makes to one network.
class NetworkChange final : public runtime::WeightChange {
 public:
  NetworkChange(std::shared_ptr<const AdapterFile> adapter, std::string identity)
      : adapter_(std::move(adapter)), identity_(std::move(identity)) {}

  void add(const TensorSlot& slot, double strength, std::vector<DeltaPtr> deltas) {
    for (DeltaPtr& delta : deltas)
      changes_[slot.tensor].push_back({slot, strength, std::move(delta)});
  }
  bool empty() const { return changes_.empty(); }

  const std::string& identity() const override { return identity_; }
  // A block's own strength concerns its own tensors alone.
  std::string identity_for(std::string_view name) const override {
    std::string identity = "adapter " + adapter_->identity() + " at";
    for (const Change& change : changes_.at(std::string(name)))
      identity += fmt::format(" {}", change.strength);
    return identity;
  }
  bool touches(std::string_view name) const override {
    return changes_.contains(std::string(name));
  }
  Status apply(std::string_view name, const Shape& shape, float* values) const override {
    for (const Change& change : changes_.at(std::string(name))) {
      Status status = apply(change, shape, values);
      if (!status.ok()) return status.error().in("adapter " + adapter_->name());
    }
    return {};
  }

 private:
  struct Change {
    TensorSlot slot;
    double strength;
    DeltaPtr delta;
  };

  static Status apply(const Change& change, const Shape& stored, float* values) {
    if (!change.slot.transposed) {
      std::int64_t row = stored.rank() == 0 ? 1 : stored.elements() / stored[0];
      return change.delta->add(change.strength, values + change.slot.first_row * row);
    }
    std::int64_t inputs = stored[0], outputs = stored[1];
    std::vector<float> turned(static_cast<std::size_t>(inputs * outputs));
    auto at = [&](std::int64_t out, std::int64_t in) -> float& {
      return turned[static_cast<std::size_t>(out * inputs + in)];
    };
    for (std::int64_t in = 0; in < inputs; ++in)
      for (std::int64_t out = 0; out < outputs; ++out) at(out, in) = values[in * outputs + out];
    OBSCURA_TRY(change.delta->add(change.strength, turned.data()));
    for (std::int64_t in = 0; in < inputs; ++in)
      for (std::int64_t out = 0; out < outputs; ++out) values[in * outputs + out] = at(out, in);
    return {};
  }

  std::shared_ptr<const AdapterFile> adapter_;
  std::string identity_;
  std::unordered_map<std::string, std::vector<Change>> changes_;  // by tensor
};

// "input_blocks.4" of "input_blocks.4.1.proj_in", "middle_block" of "middle_block.1.norm".
std::string_view block_of(std::string_view module) {
  std::size_t end = module.find('.');
  if (module.starts_with("input_blocks.") || module.starts_with("output_blocks."))
    end = module.find('.', end + 1);
  return module.substr(0, end);
}

std::string identity_of(const AdapterFile& adapter, Part network, const Strengths& strengths) {
  bool unet = network == Part::kUNet;
  std::string identity =
      fmt::format("adapter {} at {}", adapter.identity(), unet ? strengths.unet : strengths.text);
  if (unet)
    for (const auto& [block, factor] : strengths.blocks)
      identity += fmt::format(" {}={}", block, factor);
  return identity;
}

class Adapting {
 public:
  Adapting(std::shared_ptr<const AdapterFile> adapter, const Networks& base,
           const Strengths& strengths)
      : adapter_(std::move(adapter)), table_(base), strengths_(strengths) {
    for (Part part : {Part::kUNet, Part::kText1, Part::kText2})
      changes_[part] =
          std::make_shared<NetworkChange>(adapter_, identity_of(*adapter_, part, strengths));
  }

  Status match_all() {
    choose_names();
    for (const AdapterModule& module : adapter_->modules()) OBSCURA_TRY(match(module));
    if (result_.unet_modules + result_.text_modules > 0 || of_absent_network_) return {};
    std::string first;
    if (!adapter_->file().entries().empty())
      first = ", its first tensor is " + adapter_->file().entries().front().name;
    return foreign(
        fmt::format("adapter {}: nothing in it fits this model{}", adapter_->name(), first));
  }

  AdaptedNetworks finish(const Networks& base) && {
    result_.networks = {changed(base.unet, Part::kUNet), changed(base.text1, Part::kText1),
                        changed(base.text2, Part::kText2)};
    for (const io::TensorEntry* entry : adapter_->unknown()) unmatched_.insert(entry);
    for (const io::TensorEntry& entry : adapter_->file().entries())
      if (unmatched_.contains(&entry)) result_.unmatched.push_back(entry.name);
    return std::move(result_);
  }

 private:
  // Where a file has a module under LDM's and under diffusers' name, diffusers' is meant.
  void choose_names() {
    for (const AdapterModule& module : adapter_->modules()) {
      StemMatch found = table_.find(module.stem);
      if (found.module != nullptr && found.in_diffusers_names) in_diffusers_.insert(found.module);
    }
  }

  void leave_out(const AdapterModule& module) {
    for (const auto& [role, entry] : module.tensors) unmatched_.insert(entry);
  }

  Status match(const AdapterModule& module) {
    StemMatch found = table_.find(module.stem);
    if (found.module == nullptr) {
      of_absent_network_ |= found.of_absent_network;
      if (!found.of_absent_network) leave_out(module);
      return {};
    }
    const Module& target = *found.module;
    bool outdone = !found.in_diffusers_names && in_diffusers_.contains(&target);
    if (outdone || !matched_.insert(&target).second) {
      leave_out(module);
      return {};
    }
    const TensorSlot &weight = target.weight, &bias = target.bias;
    auto deltas =
        make_deltas(*adapter_, module, &weight.shape, bias.tensor.empty() ? nullptr : &bias.shape);
    if (!deltas.ok()) {
      if (deltas.error().kind() != ErrorKind::kInvalidInput) return deltas.error();
      return foreign(deltas.error().message());
    }
    unmatched_.insert(deltas->unused.begin(), deltas->unused.end());
    if (deltas->weight.empty() && deltas->bias.empty()) return {};
    bool unet = target.network == Part::kUNet;
    ++(unet ? result_.unet_modules : result_.text_modules);
    double strength = unet ? strengths_.unet * block_factor(target.name) : strengths_.text;
    if (strength == 0) return {};
    changes_[target.network]->add(weight, strength, std::move(deltas->weight));
    if (!bias.tensor.empty())
      changes_[target.network]->add(bias, strength, std::move(deltas->bias));
    return {};
  }

  double block_factor(std::string_view module) const {
    auto found = strengths_.blocks.find(block_of(module));
    return found == strengths_.blocks.end() ? 1 : found->second;
  }

  Error foreign(std::string message) const {
    std::string what = describe_foreign(*adapter_);
    if (!what.empty()) message += "; it seems to be " + what;
    return Error(ErrorKind::kInvalidInput, std::move(message));
  }

  std::shared_ptr<runtime::WeightStore> changed(const std::shared_ptr<runtime::WeightStore>& base,
                                                Part part) {
    return base == nullptr || changes_[part]->empty() ? base : base->with(changes_[part]);
  }

  std::shared_ptr<const AdapterFile> adapter_;
  ModuleTable table_;
  const Strengths& strengths_;
  std::map<Part, std::shared_ptr<NetworkChange>> changes_;
  std::set<const Module*> in_diffusers_, matched_;
  std::set<const io::TensorEntry*> unmatched_;
  bool of_absent_network_ = false;
  AdaptedNetworks result_;
};

}  // namespace

Result<AdaptedNetworks> adapt(const std::shared_ptr<const AdapterFile>& adapter,
                              const Networks& base, const Strengths& strengths) {
  Adapting adapting(adapter, base, strengths);
  OBSCURA_TRY(adapting.match_all());
  return std::move(adapting).finish(base);
}

}  // namespace obscura::adapter
