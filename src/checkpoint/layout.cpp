#include "checkpoint/layout.h"

#include <algorithm>
#include <utility>

#include "checkpoint/kinds/unet.h"
#include "checkpoint/kinds/vae.h"

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

Component::Component(const NetworkKind& kind, std::string prefix,
                     std::span<const io::TensorEntry> entries, const Rename& rename)
    : kind_(&kind), prefix_(std::move(prefix)) {
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

const Component* CheckpointLayout::component(const NetworkKind& kind) const {
  for (const Component& component : components) {
    if (component.kind() == kind) return &component;
  }
  return nullptr;
}

bool CheckpointLayout::has_text_encoders() const {
  return std::any_of(components.begin(), components.end(),
                     [](const Component& component) { return is_text_encoder(component.kind()); });
}

models::UNetConfig CheckpointLayout::unet_config() const {
  return {.heads = family == nullptr ? nn::Heads{} : family->heads};
}

models::TextEncoderConfig CheckpointLayout::text_encoder_config(const NetworkKind& kind) const {
  const FamilyEncoder* row = family == nullptr ? nullptr : family->encoder(kind);
  for (const Family& other : families())
    if (row == nullptr) row = other.encoder(kind);
  const Component* encoder = component(kind);
  if (row == nullptr) return {};
  return encoder == nullptr ? row->config : row->config_for(*encoder);
}

std::string CheckpointLayout::title() const {
  const bool text = has_text_encoders();
  const std::string name(family == nullptr ? "" : family->name);
  if (has(kUNet)) return text ? name : "U-Net of " + name;
  if (!text) return has(kVae) ? "VAE" : std::string(components.front().kind().id);
  if (!name.empty()) return "text encoders of " + name;
  return components.size() == 1 ? "text encoder " + std::string(components[0].kind().id)
                                : "text encoders";
}

}  // namespace obscura::checkpoint
