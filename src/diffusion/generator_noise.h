// Noise from generators of random numbers, one draw of each after another.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "diffusion/noise.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

namespace obscura::diffusion {

// Each generator draws a latent of one shape; a draw is theirs side by side in the batch.
template <class Generator>
class GeneratorNoise final : public NoiseSource {
 public:
  GeneratorNoise(const Shape& drawn_shape, std::vector<Generator> generators)
      : drawn_shape_(drawn_shape), generators_(std::move(generators)) {}

  Tensor draw(double, double) override {
    std::vector<Tensor> parts;
    for (Generator& generator : generators_) parts.push_back(generator.randn(drawn_shape_));
    return concatenate(parts);
  }

  void resize(std::int64_t height, std::int64_t width) override {
    drawn_shape_.set(2, height);
    drawn_shape_.set(3, width);
  }

 private:
  Shape drawn_shape_;
  std::vector<Generator> generators_;
};

}  // namespace obscura::diffusion
