// CLIP's image encoders.
#include <string>

#include "checkpoint/kinds/known_by_sight.h"

namespace obscura::checkpoint {
namespace {

extern const NetworkKind kImageEncoder;

bool is_image_encoder(const TensorNames& names) {
  return names.has_prefix("vision_model.encoder.layers.0.") ||
         names.has_prefix("visual.transformer.resblocks.0.");
}

const NetworkKind kImageEncoder{
    .id = "clip_vision",
    .order = 160,
    .folder = {"clip_vision"},
    .describe = [](const TensorNames&) { return std::string("an image encoder"); },
    .find = [](const TensorNames& n) { return whole_file(kImageEncoder, n, is_image_encoder(n)); },
};
const RegisterKind kImageEncoderRegistered{kImageEncoder};

}  // namespace
}  // namespace obscura::checkpoint
