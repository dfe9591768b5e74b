#include "diffusion/sigmas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "diffusion/explicit_sigmas.h"
#include "golden_data.h"

namespace obscura::diffusion {
namespace {

using nlohmann::json;

const json& reference_sigmas() {
  static const auto document = json::parse(std::ifstream(golden::path("schedules.json")));
  return document;
}

// Largest relative difference; a 0 must be 0. Infinite if the lengths differ.
double relative_difference(std::span<const float> found, const json& wanted) {
  if (found.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    double value = wanted[i].get<double>(), difference = std::fabs(found[i] - value);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    if (difference > 0) largest = std::max(largest, difference / value);
  }
  return largest;
}

constexpr double kTolerance = 3e-6;

void check_named(const json& cases, const NoiseSchedule& model, int expected,
                 bool wide_tangent = false) {
  int count = 0;
  for (const auto& [name, by_steps] : cases.items()) {
    for (const auto& [steps, wanted] : by_steps.items()) {
      if (wanted[0].is_null())
        continue;  // kl_optimal with one step divides 0 by 0 in the reference
      SCOPED_TRACE(name + " " + steps);
      auto found = make_sigmas(name, model, std::stoi(steps)).value();
      EXPECT_LE(relative_difference(found, wanted),
                wide_tangent && name == "kl_optimal" ? 2e-4 : kTolerance);
      ++count;
    }
  }
  EXPECT_EQ(count, expected);
}

TEST(Sigmas, NamedSchedulesEqualComfyUi) {
  check_named(reference_sigmas()["sigmas"], NoiseSchedule::discrete(), 62);
  check_named(reference_sigmas()["zsnr"]["sigmas"], NoiseSchedule::discrete(Prediction::kV, true),
              27, true);
  for (const json& flow : reference_sigmas()["flow"]["models"]) {
    check_named(flow["sigmas"], NoiseSchedule::flow(flow["shift"]), 27);
  }
}

TEST(Sigmas, OneStepOfKlOptimalStartsAtTheTop) {
  auto sigmas = make_sigmas("kl_optimal", NoiseSchedule::discrete(), 1).value();
  ASSERT_EQ(sigmas.size(), 2u);
  EXPECT_NEAR(sigmas[0], 14.6146, 1e-4);
  EXPECT_EQ(sigmas[1], 0);
}

TEST(Sigmas, TheComparisonSeesAWrongNumber) {
  auto found = make_sigmas("karras", NoiseSchedule::discrete(), 20).value();
  const json& wanted = reference_sigmas()["sigmas"]["karras"]["20"];
  EXPECT_LE(relative_difference(found, wanted), kTolerance);
  found[7] *= 1.00001f;
  EXPECT_GT(relative_difference(found, wanted), kTolerance);
  found.pop_back();
  EXPECT_GT(relative_difference(found, wanted), kTolerance);
}

TEST(Sigmas, RegistryIsInComfyUisOrder) {
  std::vector<std::string_view> names;
  for (const SigmaSchedule& schedule : sigma_schedules()) names.push_back(schedule.name);
  std::vector<std::string_view> wanted = {"simple",      "sgm_uniform",      "karras",
                                          "exponential", "ddim_uniform",     "beta",
                                          "normal",      "linear_quadratic", "kl_optimal"};
  EXPECT_EQ(names, wanted);
  EXPECT_EQ(make_sigmas("karas", NoiseSchedule::discrete(), 20).error().kind(),
            ErrorKind::kInvalidInput);
  EXPECT_EQ(make_sigmas("karras", NoiseSchedule::discrete(), 0).error().kind(),
            ErrorKind::kInvalidInput);
}

TEST(Sigmas, DenoiseKeepsTheLastSteps) {
  auto model = NoiseSchedule::discrete();
  for (const json& wanted : reference_sigmas()["denoise"]) {
    SigmaRequest request{wanted["scheduler"], wanted["steps"], wanted["denoise"], false};
    EXPECT_LE(relative_difference(make_sigmas(request, model).value(), wanted["sigmas"]),
              kTolerance)
        << wanted;
  }
  for (const SigmaSchedule& schedule : sigma_schedules()) {
    for (double denoise : {0.05, 0.3, 0.5, 0.77}) {
      for (int steps : {1, 4, 20}) {
        SigmaRequest request{std::string(schedule.name), steps, denoise, false};
        EXPECT_EQ(make_sigmas(request, model)->size(), static_cast<std::size_t>(steps) + 1)
            << schedule.name;
      }
    }
  }
  EXPECT_TRUE(make_sigmas(SigmaRequest{"karras", 20, 0, false}, model)->empty());
  EXPECT_FALSE(make_sigmas(SigmaRequest{"karras", 20, 1e-9, false}, model).ok());
}

TEST(Sigmas, DiscardPenultimate) {
  for (const json& wanted : reference_sigmas()["discard_penultimate"]) {
    SigmaRequest request{wanted["scheduler"], wanted["steps"], wanted["denoise"], true};
    auto found = make_sigmas(request, NoiseSchedule::discrete()).value();
    EXPECT_LE(relative_difference(found, wanted["sigmas"]), kTolerance) << wanted;
  }
}

TEST(Sigmas, CutSteps) {
  std::vector<float> whole = {5, 4, 3, 2, 1, 0};
  EXPECT_EQ(cut_steps(whole, 0, 10'000, true), whole);
  EXPECT_EQ(cut_steps(whole, 0, 3, false), (std::vector<float>{5, 4, 3, 2}));
  EXPECT_EQ(cut_steps(whole, 0, 3, true), (std::vector<float>{5, 4, 3, 0}));
  EXPECT_EQ(cut_steps(whole, 3, 10'000, true), (std::vector<float>{2, 1, 0}));
  EXPECT_TRUE(cut_steps(whole, 5, 10'000, true).empty());
  EXPECT_TRUE(cut_steps(whole, 4, 2, true).empty());
  EXPECT_TRUE(cut_steps({}, 0, 5, true).empty());
}

TEST(ExplicitSigmas, EqualComfyUi) {
  const json& extra = reference_sigmas()["extra_schedules"];
  auto model = NoiseSchedule::discrete();
  auto check = [&](const char* name, const auto& make) {
    for (const json& wanted : extra[name]) {
      EXPECT_LE(relative_difference(make(wanted), wanted["sigmas"]), kTolerance)
          << name << " " << wanted;
    }
  };
  check("karras_explicit", [](const json& p) {
    return karras_sigmas(p["steps"], p["sigma_min"], p["sigma_max"], p["rho"]);
  });
  check("exponential_explicit", [](const json& p) {
    return exponential_sigmas(p["steps"], p["sigma_min"], p["sigma_max"]);
  });
  check("polyexponential", [](const json& p) {
    return polyexponential_sigmas(p["steps"], p["sigma_min"], p["sigma_max"], p["rho"]);
  });
  check("laplace", [](const json& p) {
    return laplace_sigmas(p["steps"], p["sigma_min"], p["sigma_max"], p["mu"], p["beta"]);
  });
  check("vp", [](const json& p) {
    return vp_sigmas(p["steps"], p["beta_d"], p["beta_min"], p["eps_s"]);
  });
  check("beta_explicit",
        [&](const json& p) { return beta_sigmas(model, p["steps"], p["alpha"], p["beta"]); });
  check("align_your_steps", [](const json& p) {
    return align_your_steps_sigmas(p["model_type"].get<std::string>(), p["steps"], p["denoise"])
        .value();
  });
}

TEST(ExplicitSigmas, Turbo) {
  auto model = NoiseSchedule::discrete();
  auto sigmas = sd_turbo_sigmas(model, 3, 1).value();
  ASSERT_EQ(sigmas.size(), 4u);
  EXPECT_NEAR(sigmas[0], 14.6146, 1e-4);
  EXPECT_NEAR(sigmas[1], 8.3028, 1e-4);
  EXPECT_NEAR(sigmas[2], 5.0878, 1e-4);
  EXPECT_EQ(sigmas[3], 0);
  EXPECT_NEAR(sd_turbo_sigmas(model, 1, 0.9)->front(), 8.3028, 1e-4);
  EXPECT_FALSE(sd_turbo_sigmas(model, 11, 1).ok());
  EXPECT_FALSE(align_your_steps_sigmas("SD3", 10, 1).ok());
}

}  // namespace
}  // namespace obscura::diffusion
