#include "adapter/foreign_adapter.h"

#include <string_view>

#include "checkpoint/family.h"
#include "checkpoint/foreign_files.h"
#include "checkpoint/kinds/adapter.h"
#include "checkpoint/networks.h"
#include "checkpoint/tensor_names.h"

namespace obscura::adapter {
namespace {

// A part of a tensor's name that only adapters for such a model have. Earlier ones are more
// telling.
struct Mark {
  std::string_view part, what;
};
constexpr Mark kMarks[] = {
    {"lora_controlnet", "a control LoRA (a ControlNet)"},
    {"motion_modules.", "an AnimateDiff motion module"},
    {"single_transformer_blocks", "an adapter for FLUX"},
    {"double_blocks", "an adapter for FLUX"},
    {"single_blocks", "an adapter for FLUX"},
    {"joint_blocks", "an adapter for Stable Diffusion 3"},
    {"add_q_proj", "an adapter for Stable Diffusion 3"},
    {"cross_attn", "an adapter for a video transformer"},
    {"transformer.transformer_blocks", "an adapter for a diffusion transformer"},
    {"lora_transformer_", "an adapter for a diffusion transformer"},
    {"lora_prior_", "an adapter for Stable Cascade"},
};

bool names_context_projection(std::string_view stem) {
  return stem.ends_with("attn2_to_k") || stem.ends_with("attn2.to_k") ||
         stem.ends_with("attn2.processor.to_k");
}

}  // namespace

std::string describe_foreign(const AdapterFile& adapter) {
  for (const Mark& mark : kMarks) {
    for (const io::TensorEntry& entry : adapter.file().entries())
      if (entry.name.find(mark.part) != std::string::npos) return std::string(mark.what);
  }
  const checkpoint::TensorNames names(adapter.file().entries());
  const checkpoint::NetworkKind* kind = checkpoint::known_by_sight(names);
  if (kind != nullptr && !(*kind == checkpoint::kAdapter)) return kind->describe(names);
  if (!checkpoint::find_networks(names).empty()) return "a checkpoint";
  // The projections of the context have its width as their inner size.
  for (const AdapterModule& module : adapter.modules()) {
    if (!names_context_projection(module.stem)) continue;
    for (Role role : {Role::kDown, Role::kHadamard1B, Role::kDifference}) {
      const io::TensorEntry* entry = module.find(role);
      if (entry == nullptr || entry->shape.rank() < 2) continue;
      std::string_view family = checkpoint::family_of_context(entry->shape[1]);
      if (!family.empty()) return "an adapter for " + std::string(family);
    }
  }
  return "";
}

}  // namespace obscura::adapter
