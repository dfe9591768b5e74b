#include "diffusion/noise_schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "golden_data.h"

namespace obscura::diffusion {
namespace {

using nlohmann::json;

const json& schedules() {
  static const auto document = json::parse(std::ifstream(golden::path("schedules.json")));
  return document;
}

void check_probes(const NoiseSchedule& model, const json& probes) {
  for (const json& probe : probes["sigma_of_timestep"]) {
    double wanted = probe[1];
    EXPECT_NEAR(model.sigma(probe[0]), wanted, 1e-6 * wanted) << probe;
  }
  for (const json& probe : probes["timestep_of_sigma"])
    EXPECT_EQ(model.timestep(probe[0]), probe[1]) << probe;
  for (const json& probe : probes["percent_to_sigma"]) {
    double wanted = probe[1];
    EXPECT_NEAR(model.percent_to_sigma(probe[0]), wanted, 3e-6 * wanted) << probe;
  }
}

TEST(NoiseSchedule, DiscreteEqualsComfyUi) {
  auto model = NoiseSchedule::discrete();
  std::vector<float> table = schedules()["model"]["sigmas_1000"];
  EXPECT_LE(golden::max_difference(model.sigmas(), std::span<const float>(table)), 1e-6);
  EXPECT_FLOAT_EQ(static_cast<float>(model.sigma_max()),
                  schedules()["model"]["sigma_max"].get<float>());
  EXPECT_FLOAT_EQ(static_cast<float>(model.sigma_min()),
                  schedules()["model"]["sigma_min"].get<float>());
  check_probes(model, schedules()["probes"]);
}

TEST(NoiseSchedule, ZeroTerminalSnrEqualsComfyUi) {
  auto model = NoiseSchedule::discrete(Prediction::kV, true);
  std::vector<float> table = schedules()["zsnr"]["sigmas_1000"];
  ASSERT_EQ(table.size(), model.sigmas().size());
  for (std::size_t i = 0; i < table.size(); ++i)
    EXPECT_NEAR(model.sigmas()[i], table[i], 3e-6 * table[i]) << i;
  check_probes(model, schedules()["zsnr"]["probes"]);
}

TEST(NoiseSchedule, FlowEqualsComfyUi) {
  for (const json& flow : schedules()["flow"]["models"]) {
    auto model = NoiseSchedule::flow(flow["shift"]);
    EXPECT_FLOAT_EQ(static_cast<float>(model.sigma_min()), flow["sigma_min"].get<float>());
    for (const json& probe : flow["percent_to_sigma"]) {
      EXPECT_NEAR(model.percent_to_sigma(probe[0]), probe[1].get<double>(), 1e-7) << probe;
    }
  }
}

// The same clean latent and noise, told to each kind of network, must come back.
TEST(NoiseSchedule, DenoisedUndoesNoised) {
  Tensor clean({1, 2, 1, 2}, {0.5f, -1, 2, 0.25f}), noise({1, 2, 1, 2}, {1, 2, -0.5f, 0.1f});
  for (double sigma : {0.0292, 0.5, 0.9}) {
    for (auto& model : {NoiseSchedule::discrete(), NoiseSchedule::discrete(Prediction::kV),
                        NoiseSchedule::flow(3)}) {
      Tensor x = model.noised(clean, noise, sigma);
      Tensor output(clean.shape());
      double root = std::sqrt(1 + sigma * sigma);
      for (int i = 0; i < 4; ++i) {
        double n = noise.data()[i], c = clean.data()[i];
        // v = (noise - sigma * x0) / sqrt(1 + sigma^2) in this scaling
        double v = (n - sigma * c) / root;
        double told = model.is_flow() ? n - c : model.prediction() == Prediction::kV ? v : n;
        output.data()[i] = static_cast<float>(told);
      }
      EXPECT_LE(golden::max_difference(model.denoised(x, output, sigma), clean), 1e-5);
    }
  }
}

TEST(NoiseSchedule, StartScalesTheNoiseAtTheTopOnly) {
  auto model = NoiseSchedule::discrete();
  Tensor latent({1, 1, 1, 1}, {0.5f}), noise({1, 1, 1, 1}, {1});
  double top = model.sigma_max();
  EXPECT_FLOAT_EQ(model.start(latent, noise, top * (1 - 5e-6)).data()[0],
                  static_cast<float>(0.5 + std::sqrt(1 + std::pow(top * (1 - 5e-6), 2))));
  EXPECT_FLOAT_EQ(model.start(latent, noise, top * (1 + 1e-3)).data()[0],
                  static_cast<float>(0.5 + std::sqrt(1 + std::pow(top * (1 + 1e-3), 2))));
  EXPECT_FLOAT_EQ(model.start(latent, noise, 8).data()[0], 8.5f);
}

}  // namespace
}  // namespace obscura::diffusion
