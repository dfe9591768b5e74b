// Runs a fuzz target on mutations of good inputs, always the same ones: what a fuzzer does, as an
// ordinary test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "test_paths.h"

namespace obscura::fuzz {

using Input = std::vector<std::byte>;

// The files of tests/fuzz/corpus/NAME, in the order of their names. An input that once broke a
// reader goes there.
inline std::vector<Input> read_corpus(const std::string& name) {
  auto folder = source_path("tests/fuzz/corpus/" + name);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Input> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(file), {}};
    auto bytes = std::as_bytes(std::span(content));
    inputs.emplace_back(bytes.begin(), bytes.end());
  }
  return inputs;
}

// Makes one of the changes that break parsers: a flipped bit, another byte, a boundary value, a
// cut, a repetition, or a piece of another input. Uses only what the standard defines for every
// library, so that the inputs are the same everywhere.
inline void mutate(Input& input, std::span<const Input> seeds, std::mt19937_64& random) {
  auto below = [&](std::size_t limit) {
    return limit == 0 ? 0 : static_cast<std::size_t>(random() % limit);
  };
  auto at = [&](std::size_t offset) { return input.begin() + static_cast<std::ptrdiff_t>(offset); };
  if (input.empty()) input.resize(1 + below(16));
  const std::size_t place = below(input.size());
  const std::size_t length = std::min(input.size() - place, std::size_t{1} << below(10));
  switch (below(7)) {
    case 0:
      input[place] ^= std::byte{1} << below(8);
      return;
    case 1:
      input[place] = static_cast<std::byte>(random());
      return;
    case 2: {
      constexpr unsigned char kBoundaries[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff,
                                               '0',  '9',  '"',  '{',  ']',  ' '};
      auto value = static_cast<std::byte>(kBoundaries[below(std::size(kBoundaries))]);
      std::fill_n(at(place), std::min(length, std::size_t{8}), value);
      return;
    }
    case 3:
      input.erase(at(place), at(place + length));
      return;
    case 4:
      input.resize(place);
      return;
    case 5: {
      Input piece(at(place), at(place + length));
      input.insert(at(below(input.size())), piece.begin(), piece.end());
      return;
    }
    default: {
      const Input& other = seeds[below(seeds.size())];
      const std::size_t from = below(other.size());
      auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
      auto count = static_cast<std::ptrdiff_t>(std::min(length, other.size() - from));
      input.insert(at(place), begin, begin + count);
    }
  }
}

// Calls `target` on each seed and then `count` times on a seed with one to four changes. REQUIRES:
// seeds.
template <class Target>
void run_mutations(std::span<const Input> seeds, int count, const Target& target) {
  std::mt19937_64 random(20240607);
  for (const Input& seed : seeds) target(std::span<const std::byte>(seed));
  for (int i = 0; i < count; ++i) {
    Input input = seeds[static_cast<std::size_t>(i) % seeds.size()];
    for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes)
      mutate(input, seeds, random);
    target(std::span<const std::byte>(input));
  }
}

}  // namespace obscura::fuzz
