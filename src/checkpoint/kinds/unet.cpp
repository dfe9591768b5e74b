#include "checkpoint/kinds/unet.h"

#include <string>
#include <string_view>

#include "checkpoint/diffusers_names.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"
#include "models/unet/unet.h"

namespace obscura::checkpoint {
namespace {

std::optional<Component> find_unet(const TensorNames& names) {
  for (std::string_view prefix : {"model.diffusion_model.", "diffusion_model.", ""}) {
    const std::string at(prefix);
    if (names.has_prefix(at + "input_blocks.0.0.") && names.has_prefix(at + "out."))
      return Component(kUNet, at, names.entries());
  }
  for (std::string_view prefix : {"unet.", ""}) {
    const std::string at(prefix);
    if (names.has(at + "down_blocks.0.resnets.0.conv1.weight") &&
        names.has_prefix(at + "up_blocks.0."))  // a ControlNet has none
      return Component(kUNet, at, names.entries(), ldm_unet_names(names, prefix));
  }
  return std::nullopt;
}

// As small as a latent can be that every level halves and doubles.
constexpr std::int64_t kSmallestLatent = 8;

Result<ir::Graph> build_unet_for(const Component& network, const CheckpointLayout& layout,
                                 const InputShapes& inputs) {
  models::UNetCall call{.batch = 1, .height = kSmallestLatent, .width = kSmallestLatent};
  if (auto x = inputs.find("x"); x != inputs.end()) {
    call.batch = x->second[0];
    call.height = x->second[1];
    call.width = x->second[2];
  }
  if (auto context = inputs.find("context"); context != inputs.end())
    call.tokens = context->second[1];
  return models::build_unet(network, layout.unet_config(), call);
}

}  // namespace

const NetworkKind kUNet{
    .id = "unet",
    .order = 10,
    .folder = {"diffusion_models", {"unet"}},
    .describe = [](const TensorNames&) { return std::string("a U-Net"); },
    .find = find_unet,
    .graphs = {{"", "x", build_unet_for}},
};
namespace {
const RegisterKind kUNetRegistered{kUNet};
}  // namespace

}  // namespace obscura::checkpoint
