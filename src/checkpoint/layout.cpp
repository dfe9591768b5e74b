#include "checkpoint/layout.h"

namespace obscura::checkpoint {
namespace {

// What programs call the scale of a float8 weight: ComfyUI's scaled float8, and its later format.
constexpr std::string_view kScaleLeaves[] = {".scale_weight", ".weight_scale"};

// "out.2.weight" of "out.2.scale_weight"; empty if the name is not of a scale.
std::string weight_of_scale(std::string_view name) {
  for (std::string_view leaf : kScaleLeaves)
    if (name.ends_with(leaf))
      return std::string(name.substr(0, name.size() - leaf.size())) + ".weight";
  return "";
}

}  // namespace

std::string_view name_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::kNone:
      return "";
    case Architecture::kSdxlBase:
      return "SDXL base";
    case Architecture::kSdxlRefiner:
      return "SDXL refiner";
    case Architecture::kSd1:
      return "Stable Diffusion 1";
    case Architecture::kSd2:
      return "Stable Diffusion 2";
  }
  return "";
}

std::string_view name_of(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kUNet:
      return "unet";
    case ComponentKind::kClipL:
      return "clip_l";
    case ComponentKind::kClipG:
      return "clip_g";
    case ComponentKind::kClipH:
      return "clip_h";
    case ComponentKind::kVae:
      return "vae";
    case ComponentKind::kTinyDecoder:
      return "taesd decoder";
    case ComponentKind::kTinyEncoder:
      return "taesd encoder";
  }
  return "";
}

bool is_text_encoder(ComponentKind kind) {
  return kind == ComponentKind::kClipL || kind == ComponentKind::kClipG ||
         kind == ComponentKind::kClipH;
}

Component::Component(ComponentKind kind, std::string prefix,
                     std::span<const io::TensorEntry> entries, const Rename& rename)
    : kind_(kind), prefix_(std::move(prefix)) {
  for (const io::TensorEntry& entry : entries) {
    if (!entry.name.starts_with(prefix_) || entry.shape.elements() == 0) continue;
    std::string_view rest = std::string_view(entry.name).substr(prefix_.size());
    std::string scaled = weight_of_scale(rest);
    std::string name(scaled.empty() ? rest : scaled);
    if (rename) name = rename(name);
    if (!name.empty()) (scaled.empty() ? tensors_ : scales_).emplace(std::move(name), &entry);
  }
}

const io::TensorEntry* Component::entry(std::string_view name) const {
  auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

const Shape* Component::find(std::string_view name) const {
  const io::TensorEntry* found = entry(name);
  return found == nullptr ? nullptr : &found->shape;
}

const io::TensorEntry* Component::scale_entry(std::string_view name) const {
  auto found = scales_.find(name);
  return found == scales_.end() ? nullptr : found->second;
}

float Component::scale(std::string_view name) const {
  const io::TensorEntry* entry = scale_entry(name);
  float value = 1;
  if (entry != nullptr) widen_to_f32(entry->dtype, entry->bytes.data(), &value, 1);
  return value;
}

Status Component::check_scales() const {
  for (const auto& [name, entry] : scales_) {
    if (entry->shape.elements() == 1 && is_floating(entry->dtype)) continue;
    return Error(ErrorKind::kUnsupported,
                 "tensor " + entry->name + ": one number that scales a whole weight is wanted, " +
                     "found " + std::string(obscura::name_of(entry->dtype)) + " " +
                     entry->shape.text());
  }
  return {};
}

std::int64_t Component::parameters() const {
  std::int64_t sum = 0;
  for (const auto& [name, entry] : tensors_) {
    if (is_floating(entry->dtype)) sum += entry->shape.elements();
  }
  return sum;
}

const Component* CheckpointLayout::component(ComponentKind kind) const {
  for (const Component& component : components) {
    if (component.kind() == kind) return &component;
  }
  return nullptr;
}

std::string CheckpointLayout::title() const {
  const bool text = has_text_encoders();
  std::string family(name_of(architecture));
  if (has(ComponentKind::kUNet)) return text ? family : "U-Net of " + family;
  if (!text) return "VAE";
  if (!family.empty()) return "text encoders of " + family;
  return components.size() == 1 ? "text encoder " + std::string(name_of(components[0].kind()))
                                : "text encoders";
}

models::TextEncoderConfig text_encoder_config(ComponentKind kind, Architecture architecture) {
  models::TextEncoderConfig config;
  if (kind == ComponentKind::kClipL) config.activation = ir::Activation::kQuickGelu;
  config.normalise_hidden =
      architecture == Architecture::kSd1 || architecture == Architecture::kSd2;
  return config;
}

int default_text_layer(Architecture architecture) {
  return architecture == Architecture::kSd1 ? -1 : -2;
}

float latent_scale_of(Architecture architecture) {
  bool sdxl = architecture == Architecture::kSdxlBase || architecture == Architecture::kSdxlRefiner;
  return sdxl ? 0.13025f : 0.18215f;
}

}  // namespace obscura::checkpoint
