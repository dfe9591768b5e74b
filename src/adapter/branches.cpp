#include "adapter/branches.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "adapter/factors.h"

namespace obscura::adapter {
namespace {

bool is_plain_lora(const AdapterModule& module) {
  constexpr Role kAllowed[] = {Role::kUp, Role::kDown, Role::kAlpha, Role::kScale};
  return module.find(Role::kUp) != nullptr && module.find(Role::kDown) != nullptr &&
         std::all_of(module.tensors.begin(), module.tensors.end(), [&](const auto& tensor) {
           return std::find(std::begin(kAllowed), std::end(kAllowed), tensor.first) !=
                  std::end(kAllowed);
         });
}

// Whether the module is a layer by itself that nn::linear or nn::conv2d builds.
bool is_whole_layer(const Module& module, const runtime::WeightStore& store) {
  const TensorSlot& slot = module.weight;
  if (slot.tensor != module.name + ".weight" || slot.transposed) return false;
  return slot.shape.rank() >= 2 && *store.find(slot.tensor) == slot.shape &&
         module.name.find("embedding") == std::string::npos;
}

Status add_branch(const AdapterFile& adapter, const AdapterModule& module, const Module& target,
                  runtime::WeightStore& branch) {
  ModuleReader reader(adapter, module);
  OBSCURA_ASSIGN(auto up, reader.require(Role::kUp, "up factor (lora_up, lora_B)"));
  OBSCURA_ASSIGN(auto down, reader.require(Role::kDown, "down factor (lora_down, lora_A)"));
  OBSCURA_ASSIGN(auto matrix, LowRankMatrix::make(reader, up, down, nullptr, false));
  const WeightShape weight(target.weight.shape);
  if (matrix.rows() != weight.rows || matrix.columns() != weight.columns) {
    return reader.unfitting("the factors are " + up->shape.text() + " and " + down->shape.text(),
                            weight);
  }
  OBSCURA_ASSIGN(double scale, reader.take_scale(matrix.rank()));
  Shape shape = target.weight.shape;
  shape.set(0, matrix.rank());
  branch.add(target.name + ".down", {down->dtype, shape, down->bytes});
  branch.add(target.name + ".up", {up->dtype, Shape{matrix.rows(), matrix.rank()}, up->bytes,
                                   static_cast<float>(scale)});
  return {};
}

}  // namespace

Result<BranchedNetworks> branched(const std::shared_ptr<const AdapterFile>& adapter,
                                  const Networks& base, const std::string& source) {
  BranchedNetworks result{base, {}, 0};
  std::map<Part, std::shared_ptr<runtime::WeightStore>> branches;
  const ModuleTable table(base);
  for (const AdapterModule& module : adapter->modules()) {
    const Module* target = table.find(module.stem).module;
    if (target == nullptr) continue;
    if (!is_plain_lora(module) || !is_whole_layer(*target, *result.networks.of(target->network))) {
      result.left_out.push_back(module.stem);
      continue;
    }
    auto& branch = branches[target->network];
    if (branch == nullptr) {
      branch = std::make_shared<runtime::WeightStore>(
          "branch of " + adapter->identity() + " for " + std::string(name_of(target->network)),
          adapter);
    }
    OBSCURA_TRY(add_branch(*adapter, module, *target, *branch));
    ++result.modules;
  }
  for (const auto& [network, branch] : branches) {
    auto& store = result.networks.of(network);
    store = store->with_branch(source, branch);
  }
  return result;
}

}  // namespace obscura::adapter
