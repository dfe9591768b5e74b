#include "checkpoint/family.h"

#include <algorithm>

namespace obscura::checkpoint {

models::TextEncoderConfig FamilyEncoder::config_for(const ir::WeightIndex& encoder) const {
  models::TextEncoderConfig full = config;
  if (layers_without_last == 0) return full;
  auto dimensions = models::text_encoder_dimensions(encoder);
  if (dimensions.ok() && dimensions->layers == layers_without_last) full.dropped_layers = 1;
  return full;
}

const FamilyEncoder* Family::encoder(const NetworkKind& kind) const {
  auto found = std::find_if(encoders.begin(), encoders.end(),
                            [&](const FamilyEncoder& encoder) { return *encoder.kind == kind; });
  return found == encoders.end() ? nullptr : &*found;
}

std::string family_names() {
  std::string names;
  for (const Family& family : families()) {
    const bool last = &family == &families().back();
    if (!names.empty()) names += last ? " or " : ", ";
    names += family.made_for;
  }
  return names;
}

const Family* family_of(const UNetTraits& unet) {
  for (const Family& family : families())
    if (family.latents.channels == unet.latent_channels && family.owns(unet)) return &family;
  return nullptr;
}

const Family* family_of_encoders(std::span<const NetworkKind* const> kinds) {
  auto is_there = [&](const FamilyEncoder& encoder) {
    return std::any_of(kinds.begin(), kinds.end(),
                       [&](const NetworkKind* kind) { return *kind == *encoder.kind; });
  };
  for (const Family& family : families())
    if (std::all_of(family.encoders.begin(), family.encoders.end(), is_there)) return &family;
  return nullptr;
}

const Family* family_with_encoders(std::size_t count) {
  for (const Family& family : families())
    if (family.encoders.size() == count) return &family;
  return nullptr;
}

std::string_view family_of_context(std::int64_t width) {
  for (const Family& family : families())
    if (family.context == width) return family.made_for;
  return "";
}

bool is_text_encoder(const NetworkKind& kind) {
  return std::any_of(families().begin(), families().end(),
                     [&](const Family& family) { return family.encoder(kind) != nullptr; });
}

}  // namespace obscura::checkpoint
