#include "diffusion/noise.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "diffusion/brownian_tree.h"
#include "diffusion/seed_sequence.h"
#include "golden_data.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

constexpr double kRandnTolerance = 3e-6;

const io::SafetensorsFile& noise_file() {
  static const auto file = io::SafetensorsFile::open(golden::path("noise.safetensors")).value();
  return file;
}

const io::SafetensorsFile& seeded_file() {
  static const auto file =
      io::SafetensorsFile::open(golden::path("seeded_noise.safetensors")).value();
  return file;
}

const nlohmann::json& seeded() {
  static const auto document =
      nlohmann::json::parse(std::ifstream(golden::path("seeded_noise.json")));
  return document;
}

TEST(InitialNoise, EqualsComfyUi) {
  Tensor drawn = initial_noise({4, 4, 8, 8}, NoiseSeeds::shared(42)).value();
  EXPECT_LE(golden::max_difference(drawn, golden::tensor(noise_file(), "prepare_noise.seed42")),
            kRandnTolerance);

  std::vector<std::int64_t> places = {0, 2, 2, 5};
  Tensor chosen = initial_noise_at({4, 4, 8, 8}, 42, places).value();
  EXPECT_LE(golden::max_difference(
                chosen, golden::tensor(noise_file(), "prepare_noise.seed42.inds_0_2_2_5")),
            kRandnTolerance);
}

TEST(InitialNoise, BadCallsAreErrors) {
  EXPECT_FALSE(initial_noise({2, 4, 8, 8}, NoiseSeeds::per_image({1, 2, 3})).ok());
  std::vector<std::int64_t> negative = {0, -1}, one = {0};
  EXPECT_FALSE(initial_noise_at({2, 4, 8, 8}, 1, negative).ok());
  EXPECT_FALSE(initial_noise_at({2, 4, 8, 8}, 1, one).ok());
}

TEST(GaussianNoise, EqualsComfyUi) {
  for (const auto& golden_case : seeded()["default_draws"]) {
    auto noise = gaussian_noise({2, 4, 8, 8}, NoiseSeeds::shared(golden_case["seed"])).value();
    Tensor expected = golden::tensor(seeded_file(), golden_case["tensor"]);
    for (std::int64_t k = 0; k < expected.shape()[0]; ++k) {
      Tensor draw = expected.slice(k).reshaped({2, 4, 8, 8});
      EXPECT_LE(golden::max_difference(noise->draw(2, 1), draw), kRandnTolerance);
    }
  }
}

TEST(SeedSequence, EqualsNumPy) {
  ASSERT_EQ(seeded()["numpy_seed_sequence"].size(), 8u);
  for (const auto& golden_case : seeded()["numpy_seed_sequence"]) {
    std::vector<std::uint64_t> key = golden_case["spawn_key"];
    std::array<std::uint32_t, 4> expected = golden_case["generate_state"];
    EXPECT_EQ(seed_sequence_state(golden_case["entropy"], key), expected) << golden_case;
  }
}

TEST(BrownianTree, EqualsTorchsde) {
  int queries = 0;
  for (const auto& golden_case : seeded()["tree_increments"]) {
    BrownianTree tree(golden_case["t0"].get<float>(), golden_case["t1"].get<float>(), {1, 2, 4, 4},
                      golden_case["seed"]);
    Tensor expected = golden::tensor(seeded_file(), golden_case["tensor"]);
    for (std::int64_t k = 0; k < expected.shape()[0]; ++k) {
      const auto& query = golden_case["queries"][static_cast<std::size_t>(k)];
      Tensor increment = tree.increment(query[0].get<float>(), query[1].get<float>());
      EXPECT_LE(golden::max_difference(increment, expected.slice(k).reshaped({1, 2, 4, 4})), 1e-5)
          << golden_case["seed"] << " " << query;
      ++queries;
    }
  }
  EXPECT_EQ(queries, 36);
}

TEST(BrownianNoise, EqualsComfyUi) {
  Tensor sigmas = golden::tensor(seeded_file(), "sigmas");
  int runs = 0;
  for (const auto& run : seeded()["runs"]) {
    if (run["noise_source"] != "brownian_tree") continue;
    SCOPED_TRACE(run["x0"]);
    auto noise =
        brownian_noise({2, 4, 8, 8}, NoiseSeeds::shared(run["seed"]), sigmas.values()).value();
    Tensor expected = golden::tensor(seeded_file(), run["noise"]);
    for (std::int64_t k = 0; k < expected.shape()[0]; ++k) {
      const auto& pair = run["noise_sigma_pairs"][static_cast<std::size_t>(k)];
      Tensor draw = noise->draw(pair[0].get<float>(), pair[1].get<float>());
      EXPECT_LE(golden::max_difference(draw, expected.slice(k).reshaped({2, 4, 8, 8})), 2e-5)
          << pair;
    }
    ++runs;
  }
  EXPECT_EQ(runs, 6);
}

TEST(BrownianTree, AnswersDoNotDependOnTheOrder) {
  Shape shape{1, 4, 4, 4};
  BrownianTree forward(0.03, 14.6, shape, 9), backward(0.03, 14.6, shape, 9);
  Tensor first = forward.increment(3, 7);
  forward.increment(0.5, 0.500001);
  Tensor again = forward.increment(3, 7);
  backward.increment(10, 12);
  Tensor reversed = backward.increment(7, 3);
  EXPECT_EQ(golden::max_difference(first, again), 0);
  for (std::int64_t i = 0; i < first.elements(); ++i)
    EXPECT_EQ(first.data()[i], -reversed.data()[i]);
  // The parts of an interval add up to the whole.
  Tensor left = forward.increment(3, 5.25), right = forward.increment(5.25, 7);
  for (std::int64_t i = 0; i < first.elements(); ++i) {
    EXPECT_NEAR(first.data()[i], left.data()[i] + right.data()[i], 2e-6);
  }
}

TEST(BrownianTree, NarrowQuestionsEnd) {
  BrownianTree tree(0.0291671, 4518.76, {1, 4, 4, 4}, 3);
  EXPECT_EQ(golden::max_difference(tree.increment(1.0000001, 1.0000003), Tensor({1, 4, 4, 4})), 0);
  EXPECT_GT(golden::max_difference(tree.increment(1.000001, 1.000002), Tensor({1, 4, 4, 4})), 0);
}

TEST(NoiseSource, ABatchWithSeedsEqualsSingles) {
  std::vector<std::uint64_t> seeds = {7, std::uint64_t{1} << 40, 0, 7};
  std::vector<float> sigmas = {14.6f, 5.0f, 1.0f, 0.03f, 0.0f};
  auto brownian = [&](Shape shape, NoiseSeeds chosen) {
    return brownian_noise(shape, chosen, sigmas).value();
  };
  auto gaussian = [&](Shape shape, NoiseSeeds chosen) {
    return gaussian_noise(shape, chosen).value();
  };
  auto check = [&](const auto& make) {
    auto batch = make(Shape{4, 4, 8, 8}, NoiseSeeds::per_image(seeds));
    Tensor first = batch->draw(14.6f, 5), second = batch->draw(5, 1);
    for (std::int64_t i = 0; i < 4; ++i) {
      auto single = make(Shape{1, 4, 8, 8}, NoiseSeeds::shared(seeds[static_cast<std::size_t>(i)]));
      EXPECT_EQ(golden::max_difference(single->draw(14.6f, 5), first.slice(i)), 0);
      EXPECT_EQ(golden::max_difference(single->draw(5, 1), second.slice(i)), 0);
    }
  };
  check(brownian);
  check(gaussian);
}

}  // namespace
}  // namespace obscura::diffusion
