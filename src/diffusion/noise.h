// Where a sampler's random numbers come from: the initial noise, and the noise added at each step.
//
// One seed for a batch draws all its images at once, as ComfyUI does: image 0 equals a single
// render with that seed, the others exist only in this batch. One seed an image gives every image
// its own stream: a batch of four then equals four single renders.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::diffusion {

class NoiseSeeds {
 public:
  static NoiseSeeds shared(std::uint64_t seed) { return NoiseSeeds({seed}, false); }
  // One for each image of the batch.
  static NoiseSeeds per_image(std::vector<std::uint64_t> seeds) {
    return NoiseSeeds(std::move(seeds), true);
  }

  std::span<const std::uint64_t> values() const { return seeds_; }
  // Every seed plus `offset`, wrapping at 2^64.
  NoiseSeeds offset_by(std::uint64_t offset) const;

  // kInvalidInput unless these seeds fit a batch of this shape.
  Status check(const Shape& shape) const;
  // The shapes drawn at once, one for each seed: the batch, or single images. REQUIRES:
  // check(shape) is ok.
  Shape drawn_shape(const Shape& shape) const;

 private:
  NoiseSeeds(std::vector<std::uint64_t> seeds, bool per_image)
      : seeds_(std::move(seeds)), per_image_(per_image) {}

  std::vector<std::uint64_t> seeds_;
  bool per_image_;
};

// The noise an image starts from; `shape` is (B, C, H, W).
Result<Tensor> initial_noise(const Shape& shape, const NoiseSeeds& seeds);

// The same for a latent whose images are known by their places in an earlier batch (ComfyUI's
// batch_index): images are drawn one after another and those at `places` kept, in that order.
// `shape` is (B, C, H, W) with B places.
Result<Tensor> initial_noise_at(const Shape& shape, std::uint64_t seed,
                                std::span<const std::int64_t> places);

// The noise a sampler adds as it goes. Each draw is standard normal. Not thread safe.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;
  // For the step from `sigma` down to `sigma_next`.
  virtual Tensor draw(double sigma, double sigma_next) = 0;
  // Draws are of this size from now on. REQUIRES: noise that can change it, as Gaussian noise can.
  virtual void resize(std::int64_t height, std::int64_t width);
};

// Fresh numbers at each draw, from the sampling seed itself: ComfyUI 0.3's default noise sampler on
// the CPU.
Result<std::unique_ptr<NoiseSource>> gaussian_noise(const Shape& shape, const NoiseSeeds& seeds);

// Increments of one Brownian motion over sigma, so that finer schedules refine the same image:
// ComfyUI's BrownianTreeNoiseSampler on the CPU. The motion spans the positive sigmas of the
// schedule; where there are not two of them no step leads from one to another, and drawing is a
// bug.
Result<std::unique_ptr<NoiseSource>> brownian_noise(const Shape& shape, const NoiseSeeds& seeds,
                                                    std::span<const float> sigmas);

// AUTOMATIC1111's seeds: image i of a batch has seed + i and a stream of its own.
struct VariedNoise {
  std::uint64_t seed = 0;
  bool nvidia = true;  // drawn as on an NVIDIA GPU, else as on PyTorch's CPU
  // Mixed in spherically by `variation_strength`; image i has variation_seed + i.
  std::uint64_t variation_seed = 0;
  double variation_strength = 0;
  // ENSD, "eta noise seed delta": where it is not 0, the noise that a sampler adds as it goes is
  // that of seed + delta, else it goes on with the start noise's stream.
  std::int64_t eta_seed_delta = 0;

  // The seeds of a batch, for draws that are not the generator's.
  NoiseSeeds seeds(std::int64_t images) const;
};
Result<Tensor> initial_noise(const Shape& shape, const VariedNoise& noise);
// What a sampler adds after that start.
std::unique_ptr<NoiseSource> gaussian_noise(const Shape& shape, const VariedNoise& noise);

// Between two latents along the arc: (1 - share) of `from`, `share` of `to`. Straight where they
// point the same way. Shapes (1, …) are one vector.
Tensor spherically_mixed(const Tensor& from, const Tensor& to, double share);

}  // namespace obscura::diffusion
