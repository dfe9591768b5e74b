#include "adapter/delta.h"

#include "adapter/factors.h"

namespace obscura::adapter {
namespace {

// The families that give a weight's change; a module is of one of them.
constexpr Result<DeltaPtr> (*kFamilies[])(ModuleReader&, const WeightShape&) = {
    make_low_rank, make_hadamard, make_kronecker, make_glora, make_orthogonal, make_channel_scale};

Status add_weight_deltas(ModuleReader& reader, const WeightShape& weight,
                         std::vector<DeltaPtr>& deltas) {
  OBSCURA_ASSIGN(DeltaPtr replacement, make_replacement(reader, weight));
  if (replacement != nullptr) deltas.push_back(std::move(replacement));
  DeltaPtr change;
  for (auto* make : kFamilies) {
    OBSCURA_ASSIGN(DeltaPtr made, make(reader, weight));
    if (made == nullptr) continue;
    if (change != nullptr) return reader.corrupt("holds the tensors of two kinds of adapter");
    change = std::move(made);
  }
  if (change != nullptr) {
    OBSCURA_ASSIGN(change, decomposed(reader, weight, std::move(change)));
    deltas.push_back(std::move(change));
  }
  for (Role role : {Role::kDifference, Role::kNormDifference}) {
    OBSCURA_ASSIGN(DeltaPtr difference, make_difference(reader, role, weight));
    if (difference != nullptr) deltas.push_back(std::move(difference));
  }
  return {};
}

}  // namespace

Result<ModuleDeltas> make_deltas(const AdapterFile& adapter, const AdapterModule& module,
                                 const Shape* weight, const Shape* bias) {
  ModuleReader reader(adapter, module);
  ModuleDeltas deltas;
  if (weight != nullptr) {
    OBSCURA_TRY(add_weight_deltas(reader, WeightShape(*weight), deltas.weight));
  }
  if (bias != nullptr) {
    for (Role role : {Role::kBiasDifference, Role::kNormBiasDifference}) {
      OBSCURA_ASSIGN(DeltaPtr difference, make_difference(reader, role, WeightShape(*bias)));
      if (difference != nullptr) deltas.bias.push_back(std::move(difference));
    }
  }
  // An alpha beside nothing but differences means nothing and is not worth a word.
  if (!deltas.weight.empty() || !deltas.bias.empty()) {
    OBSCURA_TRY(reader.take_number(Role::kAlpha));
  }
  deltas.unused = reader.untaken();
  return deltas;
}

}  // namespace obscura::adapter
