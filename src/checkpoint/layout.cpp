#include "checkpoint/layout.h"

namespace obscura::checkpoint {

std::string_view name_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::kSdxlBase:
      return "SDXL base";
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
    case ComponentKind::kVae:
      return "vae";
  }
  return "";
}

Component::Component(ComponentKind kind, std::string prefix,
                     std::span<const io::TensorEntry> entries)
    : kind_(kind), prefix_(std::move(prefix)) {
  for (const io::TensorEntry& entry : entries) {
    if (entry.name.starts_with(prefix_) && entry.shape.elements() > 0) {
      tensors_.emplace(std::string_view(entry.name).substr(prefix_.size()), &entry);
    }
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

}  // namespace obscura::checkpoint
