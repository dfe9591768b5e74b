// Random numbers as PyTorch's CPU generator draws them, so that a seed means the same image here
// as in ComfyUI.
//
// The stream is MT19937 seeded with the low 32 bits of the seed. Which words make a number is
// PyTorch's (ATen/native/cpu, checked against version 1.13); the transcendental functions are our
// own, so the bits do not depend on the C library or on the processor. They agree with PyTorch
// within 3e-6, as PyTorch's own code paths agree among themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>

#include "tensor/tensor.h"

namespace obscura {

// torch.Generator(device="cpu").manual_seed(seed). Draws follow one another on one stream, as in
// PyTorch: two draws of eight numbers are not one draw of sixteen. Not thread safe; copies go on
// independently from the same state.
class TorchGenerator {
 public:
  explicit TorchGenerator(std::uint64_t seed) : words_(static_cast<std::uint32_t>(seed)) {}

  // Standard normal numbers: torch.randn.
  Tensor randn(const Shape& shape);
  void randn(std::span<float> target) { fill_normal(target); }
  void randn(std::span<double> target) { fill_normal(target); }

  // Uniform in [0, 1): torch.rand.
  void rand(std::span<float> target) { fill_uniform(target); }
  void rand(std::span<double> target) { fill_uniform(target); }

  // Uniform integers in [0, 2^31): torch.randint(0, 2**31, …).
  void randint31(std::span<std::int64_t> target);

 private:
  template <class Real>
  Real uniform();
  template <class Real>
  void fill_uniform(std::span<Real> target);
  template <class Real>
  void fill_normal(std::span<Real> target);
  double next_normal();

  std::mt19937 words_;
  std::optional<double> spare_normal_;  // the second half of a pair, kept for the next short draw
};

}  // namespace obscura
