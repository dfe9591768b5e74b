#include "diffusion/noise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "diffusion/brownian_tree.h"
#include "diffusion/generator_noise.h"
#include "diffusion/latent_math.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

GeneratorNoise<TorchGenerator> torch_noise(const Shape& shape, const NoiseSeeds& seeds) {
  std::vector<TorchGenerator> generators;
  for (std::uint64_t seed : seeds.values()) generators.emplace_back(seed);
  return {seeds.drawn_shape(shape), std::move(generators)};
}

class BrownianNoise : public NoiseSource {
 public:
  BrownianNoise(const Shape& shape, const NoiseSeeds& seeds, double sigma_min, double sigma_max) {
    if (!(sigma_max - sigma_min > 2e-6)) return;
    for (std::uint64_t seed : seeds.values()) {
      trees_.emplace_back(sigma_min, sigma_max, seeds.drawn_shape(shape), seed);
    }
  }

  Tensor draw(double sigma, double sigma_next) override {
    OBSCURA_CHECK(!trees_.empty(), "Brownian noise over a single sigma");
    // torchsde sees float32 sigmas, and the tree rounds times: a double's further digits would move
    // them.
    double from = static_cast<float>(sigma), to = static_cast<float>(sigma_next);
    std::vector<Tensor> parts;
    for (BrownianTree& tree : trees_) {
      Tensor increment = tree.increment(from, to);
      parts.push_back(weighted_sum({{1 / std::sqrt(std::fabs(to - from)), increment}}));
    }
    return concatenate(parts);
  }

 private:
  std::vector<BrownianTree> trees_;
};

}  // namespace

void NoiseSource::resize(std::int64_t, std::int64_t) {
  OBSCURA_CHECK(false, "[noise] another size of noise that has one");
}

NoiseSeeds NoiseSeeds::offset_by(std::uint64_t offset) const {
  NoiseSeeds moved = *this;
  for (std::uint64_t& seed : moved.seeds_) seed += offset;
  return moved;
}

Status NoiseSeeds::check(const Shape& shape) const {
  if (shape.rank() < 2 || shape.elements() == 0) {
    return Error(ErrorKind::kInvalidInput,
                 "[noise] a latent of shape " + shape.text() + " holds no image");
  }
  if (per_image_ && static_cast<std::int64_t>(seeds_.size()) != shape[0]) {
    return Error(ErrorKind::kInvalidInput, "[noise] a batch of " + std::to_string(shape[0]) +
                                               " wants as many seeds, got " +
                                               std::to_string(seeds_.size()));
  }
  return {};
}

Shape NoiseSeeds::drawn_shape(const Shape& shape) const {
  Shape drawn = shape;
  if (per_image_) drawn.set(0, 1);
  return drawn;
}

Result<Tensor> initial_noise(const Shape& shape, const NoiseSeeds& seeds) {
  OBSCURA_TRY(seeds.check(shape));
  return torch_noise(shape, seeds).draw(0, 0);
}

Result<Tensor> initial_noise_at(const Shape& shape, std::uint64_t seed,
                                std::span<const std::int64_t> places) {
  OBSCURA_TRY(NoiseSeeds::shared(seed).check(shape));
  if (static_cast<std::int64_t>(places.size()) != shape[0]) {
    return Error(ErrorKind::kInvalidInput, "[noise] a batch of " + std::to_string(shape[0]) +
                                               " wants as many batch indices, got " +
                                               std::to_string(places.size()));
  }
  constexpr std::int64_t kMostImages =
      100'000;  // a place is a count of draws: a wild one would never end
  for (std::int64_t place : places) {
    if (place < 0 || place >= kMostImages) {
      return Error(ErrorKind::kInvalidInput, "[noise] batch index " + std::to_string(place) +
                                                 " is outside 0…" +
                                                 std::to_string(kMostImages - 1));
    }
  }
  Shape image = shape;
  image.set(0, 1);
  TorchGenerator generator(seed);
  std::vector<Tensor> chosen(places.size());
  std::int64_t last = *std::max_element(places.begin(), places.end());
  for (std::int64_t drawn = 0; drawn <= last; ++drawn) {
    Tensor noise = generator.randn(image);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i] == drawn) chosen[i] = noise;
    }
  }
  return concatenate(chosen);
}

Result<std::unique_ptr<NoiseSource>> gaussian_noise(const Shape& shape, const NoiseSeeds& seeds) {
  OBSCURA_TRY(seeds.check(shape));
  return std::unique_ptr<NoiseSource>(
      std::make_unique<GeneratorNoise<TorchGenerator>>(torch_noise(shape, seeds)));
}

Result<std::unique_ptr<NoiseSource>> brownian_noise(const Shape& shape, const NoiseSeeds& seeds,
                                                    std::span<const float> sigmas) {
  OBSCURA_TRY(seeds.check(shape));
  double lowest = std::numeric_limits<double>::infinity(), highest = 0;
  for (float sigma : sigmas) {
    if (sigma > 0) lowest = std::min<double>(lowest, sigma);
    highest = std::max<double>(highest, sigma);
  }
  return std::unique_ptr<NoiseSource>(
      std::make_unique<BrownianNoise>(shape, seeds, lowest, highest));
}

}  // namespace obscura::diffusion
