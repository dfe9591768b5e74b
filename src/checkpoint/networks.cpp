#include "checkpoint/networks.h"

#include <charconv>
#include <optional>

#include "checkpoint/diffusers_names.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"

namespace obscura::checkpoint {
namespace {

// Features of SDXL's size condition: each number as 256 sinusoids. The base takes six numbers, the
// refiner five.
constexpr std::int64_t kNumberFeatures = 256;

bool has(const TensorNames& names, std::string_view prefix, std::string_view name) {
  return names.has(std::string(prefix) + std::string(name));
}

std::optional<Component> find_unet(const TensorNames& names) {
  for (std::string_view prefix : {"model.diffusion_model.", "diffusion_model.", ""}) {
    if (names.has_prefix(std::string(prefix) + "input_blocks.0.0.") &&
        names.has_prefix(std::string(prefix) + "out."))
      return Component(ComponentKind::kUNet, std::string(prefix), names.entries());
  }
  for (std::string_view prefix : {"unet.", ""}) {
    if (has(names, prefix, "down_blocks.0.resnets.0.conv1.weight") &&
        names.has_prefix(std::string(prefix) + "up_blocks.0."))  // a ControlNet has none
      return Component(ComponentKind::kUNet, std::string(prefix), names.entries(),
                       ldm_unet_names(names, prefix));
  }
  return std::nullopt;
}

std::optional<Component> find_vae(const TensorNames& names) {
  for (std::string_view prefix : {"first_stage_model.", "vae.", ""}) {
    std::string at(prefix);
    if (!names.has_prefix(at + "decoder.conv_in.")) continue;
    // A U-Net or a text encoder in the same file has prefixes too: without one the VAE is alone.
    bool diffusers = names.has_prefix(at + "decoder.mid_block.");
    return Component(ComponentKind::kVae, at, names.entries(),
                     diffusers ? ldm_vae_names(names, prefix) : nullptr);
  }
  return std::nullopt;
}

// "3.conv.0.weight" of the "2.conv.0.weight" of diffusers' decoder, whose first layer, which has no
// tensors, is not counted.
std::string tiny_decoder_name(std::string_view name) {
  const std::string_view digits = name.substr(0, name.find('.'));
  int layer = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  if (error != std::errc() || end != digits.data() + digits.size()) return "";
  return std::to_string(layer + 1) + std::string(name.substr(digits.size()));
}

void find_tiny_vae(const TensorNames& names, std::vector<Component>& found) {
  auto add = [&](ComponentKind kind, std::string_view prefix, const Rename& rename = nullptr) {
    found.emplace_back(kind, std::string(prefix), names.entries(), rename);
  };
  // Files of one half each, and ComfyUI's of both; in the encoder a block follows the first layer.
  for (std::string_view prefix : {"taesd_decoder.", ""})
    if (has(names, prefix, "1.weight") && has(names, prefix, "3.conv.0.weight"))
      add(ComponentKind::kTinyDecoder, prefix);
  for (std::string_view prefix : {"taesd_encoder.", ""})
    if (has(names, prefix, "0.weight") && has(names, prefix, "1.conv.0.weight"))
      add(ComponentKind::kTinyEncoder, prefix);
  if (has(names, "decoder.layers.", "2.conv.0.weight"))
    add(ComponentKind::kTinyDecoder, "decoder.layers.", tiny_decoder_name);
  if (has(names, "encoder.layers.", "1.conv.0.weight"))
    add(ComponentKind::kTinyEncoder, "encoder.layers.");
}

// Where whole checkpoints keep their text encoders.
struct TextPlace {
  std::string_view prefix;
  std::string_view witness;
  ComponentKind kind;
};
constexpr std::string_view kHuggingFaceLayer = "text_model.encoder.layers.0.";
constexpr std::string_view kOpenClipLayer = "transformer.resblocks.0.";
constexpr TextPlace kTextPlaces[] = {
    {"conditioner.embedders.0.transformer.", kHuggingFaceLayer, ComponentKind::kClipL},
    {"conditioner.embedders.0.model.", kOpenClipLayer, ComponentKind::kClipG},
    {"conditioner.embedders.1.model.", kOpenClipLayer, ComponentKind::kClipG},
    {"cond_stage_model.transformer.", kHuggingFaceLayer, ComponentKind::kClipL},
    {"cond_stage_model.model.", kOpenClipLayer, ComponentKind::kClipH},
    {"text_encoders.clip_l.transformer.", kHuggingFaceLayer, ComponentKind::kClipL},
    {"text_encoders.clip_g.transformer.", kHuggingFaceLayer, ComponentKind::kClipG},
    {"clip_l.transformer.", kHuggingFaceLayer, ComponentKind::kClipL},
    {"clip_g.transformer.", kHuggingFaceLayer, ComponentKind::kClipG},
    {"clip_h.transformer.", kHuggingFaceLayer, ComponentKind::kClipH},
    {"text_encoder_2.", kHuggingFaceLayer, ComponentKind::kClipG},
};

// Published encoders differ in their number of layers: CLIP-L 12, ViT-H 24 (23 where the last,
// which nothing uses, was dropped), bigG 32.
ComponentKind kind_by_size(const Component& encoder) {
  auto dimensions = models::text_encoder_dimensions(encoder);
  int layers = dimensions.ok() ? dimensions->layers : 0;
  return layers <= 12   ? ComponentKind::kClipL
         : layers <= 24 ? ComponentKind::kClipH
                        : ComponentKind::kClipG;
}

void find_text_encoders(const TensorNames& names, std::vector<Component>& found) {
  auto add = [&](ComponentKind kind, std::string_view prefix, const Rename& rename = nullptr) {
    for (const Component& component : found)
      if (component.kind() == kind) return;
    found.emplace_back(kind, std::string(prefix), names.entries(), rename);
  };
  for (const TextPlace& place : kTextPlaces)
    if (names.has_prefix(std::string(place.prefix) + std::string(place.witness)))
      add(place.kind, place.prefix);
  // As transformers before 4.0 wrote CLIP-L.
  if (names.has_prefix("cond_stage_model.transformer.encoder.layers.0.")) {
    add(ComponentKind::kClipL, "cond_stage_model.transformer.",
        [](std::string_view name) { return "text_model." + std::string(name); });
  }
  if (names.has_prefix("text_encoder." + std::string(kHuggingFaceLayer))) {
    Component first(ComponentKind::kClipL, "text_encoder.", names.entries());
    bool pair = names.has_prefix("text_encoder_2.");
    add(pair ? ComponentKind::kClipL : kind_by_size(first), first.prefix());
  }
  for (std::string_view witness : {kHuggingFaceLayer, kOpenClipLayer}) {
    if (!names.has_prefix(witness) || names.has_prefix("vision_model.")) continue;
    Component alone(ComponentKind::kClipL, "", names.entries());
    add(kind_by_size(alone), "");
  }
}

const Component* find(const std::vector<Component>& networks, ComponentKind kind) {
  for (const Component& network : networks)
    if (network.kind() == kind) return &network;
  return nullptr;
}

// Stable Diffusion 1 projects into its transformers by 1x1 convolutions, 2 by linear layers.
bool projects_by_convolution(const Component& unet) {
  for (const auto& [name, entry] : unet.tensors())
    if (name.ends_with(".proj_in.weight")) return entry->shape.rank() == 4;
  return false;
}

Result<Architecture> family_of_unet(const Component& unet) {
  auto read = models::unet_dimensions(unet);
  if (!read.ok()) return read.error().in("unet");
  const models::UNetDimensions& d = *read;
  if (d.label_width == 0) {
    if (d.context_width > 0)
      return projects_by_convolution(unet) ? Architecture::kSd1 : Architecture::kSd2;
  } else if (d.label_width == d.context_width + 5 * kNumberFeatures) {
    return Architecture::kSdxlRefiner;
  } else if (d.label_width > 6 * kNumberFeatures &&
             d.label_width - 6 * kNumberFeatures < d.context_width) {
    return Architecture::kSdxlBase;
  }
  return Error(ErrorKind::kUnsupported,
               "a U-Net of SDXL, its refiner, or Stable Diffusion 1 or 2 is wanted, found one "
               "with a context of " +
                   std::to_string(d.context_width) + " features and a label of " +
                   std::to_string(d.label_width));
}

}  // namespace

std::vector<Component> find_networks(const TensorNames& names) {
  std::vector<Component> found;
  if (auto unet = find_unet(names)) found.push_back(*std::move(unet));
  find_text_encoders(names, found);
  if (auto vae = find_vae(names)) found.push_back(*std::move(vae));
  if (found.empty()) find_tiny_vae(names, found);
  return found;
}

Result<Architecture> find_architecture(const std::vector<Component>& networks) {
  if (const Component* unet = find(networks, ComponentKind::kUNet)) return family_of_unet(*unet);
  bool l = find(networks, ComponentKind::kClipL) != nullptr;
  if (l && find(networks, ComponentKind::kClipG) != nullptr) return Architecture::kSdxlBase;
  return Architecture::kNone;
}

}  // namespace obscura::checkpoint
