#include "checkpoint/kinds/text_encoder.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/family.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"
#include "models/clip/text_encoder.h"

namespace obscura::checkpoint {
namespace {

// Where whole checkpoints keep their text encoders.
struct TextPlace {
  std::string_view prefix;
  std::string_view witness;
  const NetworkKind& kind;
};
constexpr std::string_view kHuggingFaceLayer = "text_model.encoder.layers.0.";
constexpr std::string_view kOpenClipLayer = "transformer.resblocks.0.";
constexpr TextPlace kTextPlaces[] = {
    {"conditioner.embedders.0.transformer.", kHuggingFaceLayer, kClipL},
    {"conditioner.embedders.0.model.", kOpenClipLayer, kClipG},
    {"conditioner.embedders.1.model.", kOpenClipLayer, kClipG},
    {"cond_stage_model.transformer.", kHuggingFaceLayer, kClipL},
    {"cond_stage_model.model.", kOpenClipLayer, kClipH},
    {"text_encoders.clip_l.transformer.", kHuggingFaceLayer, kClipL},
    {"text_encoders.clip_g.transformer.", kHuggingFaceLayer, kClipG},
    {"clip_l.transformer.", kHuggingFaceLayer, kClipL},
    {"clip_g.transformer.", kHuggingFaceLayer, kClipG},
    {"clip_h.transformer.", kHuggingFaceLayer, kClipH},
    {"text_encoder_2.", kHuggingFaceLayer, kClipG},
};

// Published encoders differ in their number of layers: CLIP-L 12, ViT-H 24 (23 where the last,
// which nothing uses, was dropped), bigG 32.
const NetworkKind& kind_by_size(const Component& encoder) {
  auto dimensions = models::text_encoder_dimensions(encoder);
  const int layers = dimensions.ok() ? dimensions->layers : 0;
  return layers <= 12 ? kClipL : layers <= 24 ? kClipH : kClipG;
}

std::vector<Component> text_encoders(const TensorNames& names) {
  std::vector<Component> found;
  auto add = [&](const NetworkKind& kind, std::string_view prefix, const Rename& rename = nullptr) {
    for (const Component& component : found)
      if (component.kind() == kind) return;
    found.emplace_back(kind, std::string(prefix), names.entries(), rename);
  };
  for (const TextPlace& place : kTextPlaces)
    if (names.has_prefix(std::string(place.prefix) + std::string(place.witness)))
      add(place.kind, place.prefix);
  // As transformers before 4.0 wrote CLIP-L.
  if (names.has_prefix("cond_stage_model.transformer.encoder.layers.0.")) {
    add(kClipL, "cond_stage_model.transformer.",
        [](std::string_view name) { return "text_model." + std::string(name); });
  }
  if (names.has_prefix("text_encoder." + std::string(kHuggingFaceLayer))) {
    const Component first(kClipL, "text_encoder.", names.entries());
    add(names.has_prefix("text_encoder_2.") ? kClipL : kind_by_size(first), first.prefix());
  }
  for (std::string_view witness : {kHuggingFaceLayer, kOpenClipLayer}) {
    if (!names.has_prefix(witness) || names.has_prefix("vision_model.")) continue;
    add(kind_by_size(Component(kClipL, "", names.entries())), "");
  }
  return found;
}

template <const NetworkKind& kind>
std::optional<Component> find_text_encoder(const TensorNames& names) {
  for (Component& component : text_encoders(names))
    if (component.kind() == kind) return std::move(component);
  return std::nullopt;
}

bool is_pooled(const NetworkKind& kind) {
  return std::any_of(families().begin(), families().end(), [&](const Family& family) {
    const FamilyEncoder* encoder = family.encoder(kind);
    return encoder != nullptr && encoder->pooled;
  });
}

// For token ids as the family uses it; without, with all that any family takes from such an
// encoder.
Result<ir::Graph> build_text_encoder_for(const Component& network, const CheckpointLayout& layout,
                                         const InputShapes& inputs) {
  models::TextEncoderConfig config = layout.text_encoder_config(network.kind());
  models::TextEncoderCall call{
      .batch = 1, .stop_at_layer = -1, .pooled = is_pooled(network.kind())};
  if (auto ids = inputs.find("ids"); ids != inputs.end()) {
    const NetworkKind* kind = &network.kind();
    const Family* family = layout.family ? layout.family : family_of_encoders({&kind, 1});
    call.batch = ids->second[0];
    if (family != nullptr) call.stop_at_layer = family->text_layer;
  } else if (layout.family == nullptr) {
    config.normalise_hidden = true;
  }
  return models::build_text_encoder(network, config, call);
}

template <const NetworkKind& kind>
NetworkKind text_encoder(std::string_view id, int order,
                         std::string (*describe)(const TensorNames&)) {
  return {.id = id,
          .order = order,
          .folder = {"text_encoders", {"clip", "text_encoder"}},
          .describe = describe,
          .find = find_text_encoder<kind>,
          .graphs = {{"", "ids", build_text_encoder_for}}};
}

}  // namespace

const NetworkKind kClipL = text_encoder<kClipL>(
    "clip_l", 20, [](const TensorNames&) { return std::string("the text encoder CLIP-L"); });
const NetworkKind kClipG = text_encoder<kClipG>(
    "clip_g", 21, [](const TensorNames&) { return std::string("the text encoder bigG"); });
const NetworkKind kClipH = text_encoder<kClipH>(
    "clip_h", 22, [](const TensorNames&) { return std::string("the text encoder ViT-H"); });
namespace {
const RegisterKind kClipLRegistered{kClipL}, kClipGRegistered{kClipG}, kClipHRegistered{kClipH};
}  // namespace

}  // namespace obscura::checkpoint
