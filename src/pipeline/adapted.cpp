#include "pipeline/adapted.h"

namespace obscura::pipeline {

Result<Adapted> with_adapter(std::shared_ptr<const DiffusionModel> model,
                             std::shared_ptr<const TextEncoders> text,
                             const std::shared_ptr<const adapter::AdapterFile>& file,
                             const adapter::Strengths& strengths) {
  adapter::Networks base;
  if (model) base.unet = model->weights;
  if (text) {
    // Stable Diffusion 2's only encoder goes by the names of 1's in adapter files.
    base.clip_l = text->clip_h ? text->clip_h : text->clip_l;
    base.clip_g = text->clip_g;
  }
  OBSCURA_ASSIGN(adapter::AdaptedNetworks found, adapter::adapt(file, base, strengths));
  adapter::Networks& networks = found.networks;
  if (networks.unet != base.unet) {
    auto copy = std::make_shared<DiffusionModel>(*model);
    copy->weights = networks.unet;
    model = std::move(copy);
  }
  if (networks.clip_l != base.clip_l || networks.clip_g != base.clip_g) {
    auto copy = std::make_shared<TextEncoders>(*text);
    (copy->clip_h ? copy->clip_h : copy->clip_l) = networks.clip_l;
    copy->clip_g = networks.clip_g;
    text = std::move(copy);
  }
  return Adapted{std::move(model), std::move(text), std::move(found.unmatched), found.unet_modules,
                 found.text_modules};
}

}  // namespace obscura::pipeline
