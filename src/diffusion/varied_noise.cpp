// AUTOMATIC1111's noise: a stream an image, variations, and ENSD.
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "diffusion/generator_noise.h"
#include "diffusion/latent_math.h"
#include "diffusion/noise.h"
#include "tensor/philox.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

class Stream {
 public:
  Stream(std::uint64_t seed, bool nvidia) {
    if (nvidia)
      generator_.emplace<PhiloxGenerator>(seed);
    else
      generator_.emplace<TorchGenerator>(seed);
  }
  Tensor randn(const Shape& shape) {
    return std::visit([&](auto& generator) { return generator.randn(shape); }, generator_);
  }

 private:
  std::variant<PhiloxGenerator, TorchGenerator> generator_{PhiloxGenerator(0)};
};

Shape single(Shape shape) {
  shape.set(0, 1);
  return shape;
}

}  // namespace

NoiseSeeds VariedNoise::seeds(std::int64_t images) const {
  std::vector<std::uint64_t> all;
  for (std::int64_t i = 0; i < images; ++i) all.push_back(seed + static_cast<std::uint64_t>(i));
  return NoiseSeeds::per_image(std::move(all));
}

Tensor spherically_mixed(const Tensor& from, const Tensor& to, double share) {
  double product = 0, from_square = 0, to_square = 0;
  for (std::int64_t i = 0; i < from.elements(); ++i) {
    const double a = from.data()[i], b = to.data()[i];
    product += a * b;
    from_square += a * a;
    to_square += b * b;
  }
  const double length = std::sqrt(from_square * to_square);
  const double cosine = length > 0 ? product / length : 1;
  if (cosine > 0.9995) return weighted_sum({{1 - share, from}, {share, to}});
  const double angle = std::acos(cosine);
  return weighted_sum({{std::sin((1 - share) * angle) / std::sin(angle), from},
                       {std::sin(share * angle) / std::sin(angle), to}});
}

Result<Tensor> initial_noise(const Shape& shape, const VariedNoise& noise) {
  if (shape.rank() != 4 || shape[0] < 1) {
    return Error(ErrorKind::kInvalidInput,
                 "[noise] wants a latent of at least one image, got " + shape.text());
  }
  std::vector<Tensor> images;
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    const auto place = static_cast<std::uint64_t>(i);
    Tensor image = Stream(noise.seed + place, noise.nvidia).randn(single(shape));
    if (noise.variation_strength != 0) {
      Tensor other = Stream(noise.variation_seed + place, noise.nvidia).randn(single(shape));
      image = spherically_mixed(image, other, noise.variation_strength);
    }
    images.push_back(std::move(image));
  }
  return concatenate(images);
}

std::unique_ptr<NoiseSource> gaussian_noise(const Shape& shape, const VariedNoise& noise) {
  std::vector<Stream> streams;
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    const std::uint64_t seed = noise.seed + static_cast<std::uint64_t>(i);
    streams.emplace_back(seed + static_cast<std::uint64_t>(noise.eta_seed_delta), noise.nvidia);
    if (noise.eta_seed_delta == 0) streams.back().randn(single(shape));  // the start noise
  }
  return std::make_unique<GeneratorNoise<Stream>>(single(shape), std::move(streams));
}

}  // namespace obscura::diffusion
