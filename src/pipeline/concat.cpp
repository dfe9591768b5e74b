#include "pipeline/concat.h"

#include <algorithm>
#include <cmath>

#include "diffusion/latent_math.h"
#include "diffusion/regions.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

Tensor at_size(const Tensor& image, const Shape& latent) {
  if (image.shape()[2] == latent[2] && image.shape()[3] == latent[3]) return image;
  return resize(image, latent[3], latent[2], ResizeMethod::kBilinear, ResizeCrop::kCenter);
}

Shape with_batch(Shape latent, std::int64_t batch, std::int64_t channels) {
  latent.set(0, batch);
  latent.set(1, channels);
  return latent;
}

// (B, 1, h, w) of zeros and ones.
Tensor rounded_mask(const Tensor& mask, const Shape& latent) {
  Tensor fitted = diffusion::fit_mask(mask, latent);
  Tensor result(with_batch(latent, fitted.shape()[0], 1));
  std::transform(fitted.values().begin(), fitted.values().end(), result.data(),
                 [](float v) { return std::nearbyint(v); });
  return result;
}

// The latent of a grey image, which is what an image that is masked everywhere shows.
Tensor grey_latent(const checkpoint::LatentSpace& space, const Shape& latent) {
  Tensor result(with_batch(latent, 1, latent[1]));
  std::int64_t plane = latent[2] * latent[3];
  for (std::int64_t c = 0; c < latent[1]; ++c)
    std::fill_n(result.data() + c * plane, plane, space.grey[static_cast<std::size_t>(c)]);
  return result;
}

// Both repeated to one batch, b behind a.
Tensor channels_side_by_side(const Tensor& a, const Tensor& b) {
  std::vector<Tensor> joined;
  std::int64_t batch = std::max(a.shape()[0], b.shape()[0]);
  for (std::int64_t i = 0; i < batch; ++i)
    joined.push_back(join_channels(a.slice(i % a.shape()[0]), b.slice(i % b.shape()[0])));
  return concatenate(joined);
}

}  // namespace

Tensor join_channels(const Tensor& a, const Tensor& b) {
  Shape shape = a.shape();
  shape.set(1, a.shape()[1] + b.shape()[1]);
  std::vector<float> values(a.values().begin(), a.values().end());
  values.insert(values.end(), b.values().begin(), b.values().end());
  return Tensor(shape, std::move(values));
}

Tensor concat_channels(const DiffusionModel& model, const Condition& condition, const Shape& latent,
                       const SampledImage& sampled) {
  std::int64_t extra = model.dimensions.in_channels - model.latent_channels();
  if (extra == 0) return {};
  const auto& own = condition.concat;
  if (extra == model.latent_channels())
    return own ? at_size(own->image, latent) : Tensor(with_batch(latent, 1, latent[1]));
  const Tensor* mask = own && own->mask ? &*own->mask : sampled.mask ? &*sampled.mask : nullptr;
  if (mask == nullptr)
    return channels_side_by_side(Tensor::filled(with_batch(latent, 1, 1), 1),
                                 grey_latent(model.family->latents, latent));
  Tensor image =
      own ? diffusion::weighted_sum({{model.family->latents.scale, at_size(own->image, latent)}})
          : sampled.latent;
  return channels_side_by_side(rounded_mask(*mask, latent), image);
}

}  // namespace obscura::pipeline
