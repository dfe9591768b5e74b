// Random numbers as PyTorch's CUDA generator draws them, on any machine: what AUTOMATIC1111's "NV"
// noise source and its CUDA users' seeds mean.
//
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) with one
// counter a number, and Box and Muller's transform of which the sine is used. Equal to
// AUTOMATIC1111's own NumPy version up to the last bit of its logarithm and sine.
#pragma once

#include <array>
#include <cstdint>

#include "tensor/tensor.h"

namespace obscura {

// The ten rounds, for a counter and a key from their lowest words up.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// torch.Generator(device="cuda").manual_seed(seed). Each draw has a stream of its own, whatever its
// length. Not thread safe.
class PhiloxGenerator {
 public:
  explicit PhiloxGenerator(std::uint64_t seed) : seed_(seed) {}

  // Standard normal numbers. REQUIRES: fewer than 2^32.
  Tensor randn(const Shape& shape);

 private:
  std::uint64_t seed_;
  std::uint32_t draws_ = 0;
};

}  // namespace obscura
