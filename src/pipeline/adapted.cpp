#include "pipeline/adapted.h"

namespace obscura::pipeline {

std::shared_ptr<runtime::WeightStore>& place_of(const TextEncoder& encoder,
                                                adapter::Networks& networks) {
  return encoder.use->adapter_place == 1 ? networks.text1 : networks.text2;
}

Result<Adapted> with_adapter(std::shared_ptr<const DiffusionModel> model,
                             std::shared_ptr<const TextEncoders> text,
                             const std::shared_ptr<const adapter::AdapterFile>& file,
                             const adapter::Strengths& strengths) {
  adapter::Networks base;
  if (model) base.unet = model->weights;
  if (text) {
    for (const TextEncoder& encoder : text->all) place_of(encoder, base) = encoder.weights;
  }
  OBSCURA_ASSIGN(adapter::AdaptedNetworks found, adapter::adapt(file, base, strengths));
  adapter::Networks& networks = found.networks;
  if (networks.unet != base.unet) {
    auto copy = std::make_shared<DiffusionModel>(*model);
    copy->weights = networks.unet;
    model = std::move(copy);
  }
  if (networks.text1 != base.text1 || networks.text2 != base.text2) {
    auto copy = std::make_shared<TextEncoders>(*text);
    for (TextEncoder& encoder : copy->all) encoder.weights = place_of(encoder, networks);
    text = std::move(copy);
  }
  return Adapted{std::move(model), std::move(text), std::move(found.unmatched), found.unet_modules,
                 found.text_modules};
}

}  // namespace obscura::pipeline
