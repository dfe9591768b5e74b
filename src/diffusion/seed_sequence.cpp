#include "diffusion/seed_sequence.h"

#include <vector>

namespace obscura::diffusion {
namespace {

constexpr std::size_t kPoolSize = 24;

// A multiplicative hash whose constant changes with every word.
class WordHash {
 public:
  WordHash(std::uint32_t start, std::uint32_t multiplier)
      : state_(start), multiplier_(multiplier) {}

  std::uint32_t operator()(std::uint32_t word) {
    word ^= state_;
    state_ *= multiplier_;
    word *= state_;
    return word ^ word >> 16;
  }

 private:
  std::uint32_t state_;
  std::uint32_t multiplier_;
};

std::uint32_t mix(std::uint32_t left, std::uint32_t right) {
  std::uint32_t word = 0xca01f9ddu * left - 0x4973f715u * right;
  return word ^ word >> 16;
}

void append_words(std::vector<std::uint32_t>& words, std::uint64_t number) {
  words.push_back(static_cast<std::uint32_t>(number));
  if (number >> 32) words.push_back(static_cast<std::uint32_t>(number >> 32));
}

}  // namespace

std::array<std::uint32_t, 4> seed_sequence_state(std::uint64_t entropy,
                                                 std::span<const std::uint64_t> spawn_key) {
  std::vector<std::uint32_t> words;
  append_words(words, entropy);
  // The entropy always fills the pool, so that a spawned sequence differs from one with longer
  // entropy.
  words.resize(kPoolSize, 0);
  for (std::uint64_t key : spawn_key) append_words(words, key);

  WordHash hash(0x43b0d7e5u, 0x931e8875u);
  std::array<std::uint32_t, kPoolSize> pool;
  for (std::size_t i = 0; i < kPoolSize; ++i) pool[i] = hash(words[i]);
  for (std::size_t source = 0; source < kPoolSize; ++source) {
    for (std::size_t target = 0; target < kPoolSize; ++target) {
      if (source != target) pool[target] = mix(pool[target], hash(pool[source]));
    }
  }
  for (std::size_t source = kPoolSize; source < words.size(); ++source) {
    for (std::uint32_t& target : pool) target = mix(target, hash(words[source]));
  }

  WordHash output_hash(0x8b51f9ddu, 0x58f38dedu);
  std::array<std::uint32_t, 4> state;
  for (std::size_t i = 0; i < state.size(); ++i) state[i] = output_hash(pool[i]);
  return state;
}

}  // namespace obscura::diffusion
