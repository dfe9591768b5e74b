// Diffusion models that Obscura does not run.
#include <string>
#include <string_view>

#include "checkpoint/kinds/known_by_sight.h"

namespace obscura::checkpoint {
namespace {

constexpr std::string_view kDiffusionModel = "model.diffusion_model.";

extern const NetworkKind kSd3, kFlux, kUnknownModel;

const NetworkKind kSd3{
    .id = "sd3",
    .order = 130,
    .describe = [](const TensorNames&) { return std::string("a Stable Diffusion 3 checkpoint"); },
    .find =
        [](const TensorNames& n) {
          return whole_file(kSd3, n, n.has_prefix("model.diffusion_model.joint_blocks."));
        },
};
const NetworkKind kFlux{
    .id = "flux",
    .order = 131,
    .describe = [](const TensorNames&) { return std::string("a FLUX model"); },
    .find =
        [](const TensorNames& n) {
          return whole_file(kFlux, n, n.find_containing("double_blocks.0.img_attn.") != nullptr);
        },
};
const NetworkKind kUnknownModel{
    .id = "unknown diffusion model",
    .order = 132,
    .describe =
        [](const TensorNames&) { return std::string("a diffusion model of an unknown kind"); },
    .find =
        [](const TensorNames& n) {
          return whole_file(kUnknownModel, n, n.has_prefix(kDiffusionModel));
        },
};
const RegisterKind kSd3Registered{kSd3}, kFluxRegistered{kFlux},
    kUnknownModelRegistered{kUnknownModel};

}  // namespace
}  // namespace obscura::checkpoint
