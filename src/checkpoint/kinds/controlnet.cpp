// ControlNets.
#include <string>

#include "checkpoint/kinds/known_by_sight.h"
#include "checkpoint/kinds/made_for.h"

namespace obscura::checkpoint {
namespace {

extern const NetworkKind kControlNet;

bool is_controlnet(const TensorNames& names) {
  return names.has_prefix("control_model.") || names.has("input_hint_block.0.weight") ||
         names.has("controlnet_cond_embedding.conv_in.weight");
}

const NetworkKind kControlNet{
    .id = "controlnet",
    .order = 110,
    .folder = {"controlnet", {"ControlNet"}},
    .describe =
        [](const TensorNames& n) { return "a ControlNet" + made_for(n, {"attn2.to_k.weight"}); },
    .find = [](const TensorNames& n) { return whole_file(kControlNet, n, is_controlnet(n)); },
};
const RegisterKind kControlNetRegistered{kControlNet};

}  // namespace
}  // namespace obscura::checkpoint
