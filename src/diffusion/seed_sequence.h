// NumPy's SeedSequence (M. O'Neill's seed_seq_fe), with which torchsde derives the seed of each
// branch of a Brownian tree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace obscura::diffusion {

// The first words of numpy.random.SeedSequence(entropy, spawn_key=spawn_key,
// pool_size=24).generate_state(…). Each number counts as its 32-bit words from the lowest up,
// without leading zeros, as NumPy takes Python's integers.
std::array<std::uint32_t, 4> seed_sequence_state(std::uint64_t entropy,
                                                 std::span<const std::uint64_t> spawn_key);

}  // namespace obscura::diffusion
