// Upscalers.
#include <string>

#include "checkpoint/kinds/known_by_sight.h"

namespace obscura::checkpoint {
namespace {

extern const NetworkKind kUpscaler;

bool is_upscaler(const TensorNames& names) {
  return names.has("conv_first.weight") || names.has_prefix("model.1.sub.0.");
}

const NetworkKind kUpscaler{
    .id = "upscaler",
    .order = 150,
    .folder = {"upscale_models", {"ESRGAN", "RealESRGAN"}},
    .describe = [](const TensorNames&) { return std::string("an upscaler"); },
    .find = [](const TensorNames& n) { return whole_file(kUpscaler, n, is_upscaler(n)); },
};
const RegisterKind kUpscalerRegistered{kUpscaler};

}  // namespace
}  // namespace obscura::checkpoint
