// Every sampler against ComfyUI's own, on an analytic denoiser: tests/golden/samplers.json.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "analytic_denoiser.h"
#include "diffusion/sampler.h"
#include "golden_data.h"

namespace obscura::diffusion {
namespace {

using nlohmann::json;

const io::SafetensorsFile& tensors() {
  static const auto file = io::SafetensorsFile::open(golden::path("samplers.safetensors")).value();
  return file;
}

const json& document() {
  static const auto parsed = json::parse(std::ifstream(golden::path("samplers.json")));
  return parsed;
}

// Returns the recorded draws one after another, and remembers what it was asked.
class PoolNoise : public NoiseSource {
 public:
  Tensor draw(double sigma, double sigma_next) override {
    static const Tensor pool = golden::tensor(tensors(), "noise_pool");
    pairs.emplace_back(sigma, sigma_next);
    return pool.slice(static_cast<std::int64_t>(pairs.size()) - 1).reshaped({2, 4, 8, 8});
  }
  std::vector<std::pair<double, double>> pairs;
};

struct Trace {
  Tensor result;
  Tensor x3;
  std::vector<std::pair<double, double>> calls;  // sigma and the first element of x
  std::vector<std::pair<double, double>> draws;
};

SamplerOptions options_of(const json& params) {
  SamplerOptions options;
  for (const auto& [name, value] : params.items()) {
    if (name == "noise_scaler") {
      // ComfyUI takes a function: here x, or x**1.5.
      std::string function = value;
      options[name] = "power";
      options["power"] =
          function == "x" ? 1.0 : std::stod(function.substr(function.find("**") + 2));
      continue;
    }
    if (value.is_string()) options[name] = value.get<std::string>();
    if (value.is_boolean()) options[name] = value.get<bool>() ? 1.0 : 0.0;
    if (value.is_number()) options[name] = value.get<double>();
  }
  return options;
}

Trace run_golden(const json& golden_run) {
  Trace trace;
  Denoiser denoise = [&](const Tensor& x, float sigma) {
    trace.calls.emplace_back(sigma, x.data()[0]);
    return analytic_denoiser(x, sigma);
  };
  auto model = golden_run["family"] == "flow" ? NoiseSchedule::flow(3) : NoiseSchedule::discrete();
  std::string schedule = golden_run["schedule"];
  Tensor sigmas = golden::tensor(tensors(), "sigmas." + schedule);
  PoolNoise noise;
  SamplerRun run{.denoise = denoise,
                 .model = model,
                 .sigmas = {sigmas.values().begin(), sigmas.values().end()},
                 .noise = &noise,
                 .on_step =
                     [&](int step, int, float, const Tensor& x, const Tensor&) {
                       if (step == 3) trace.x3 = x;
                       return Status();
                     },
                 .options = options_of(golden_run["params"])};
  const Sampler* sampler = find_sampler(golden_run["sampler"].get<std::string>()).value();
  trace.result = sample(*sampler, run, golden::tensor(tensors(), "x_init." + schedule)).value();
  trace.draws = noise.pairs;
  return trace;
}

// How far the reference's own float32 may be from the method, and hence from us.
double tolerance_of(const json& golden_run) {
  return std::max(2e-5, 4 * golden_run["float32_vs_float64"].get<double>());
}

// Against the reference in float64 where it is given (there float32 has lost digits), else against
// its float32. Two steps of the Karras schedule leave states far from 1, whose float32 is that much
// coarser.
bool result_agrees(const json& golden_run, const Tensor& result) {
  if (golden_run.contains("x0_f64")) {
    double size = std::max(1.0, golden_run["rms"].get<double>());
    return golden::max_difference(result, golden::tensor(tensors(), golden_run["x0_f64"])) <=
           1e-5 * size;
  }
  return golden::max_difference(result, golden::tensor(tensors(), golden_run["x0"])) <=
         tolerance_of(golden_run);
}

// ComfyUI returns the noise unchanged, rescaled, for one step of UniPC; Obscura takes the step.
bool reference_takes_no_step(const json& golden_run) {
  return golden_run.contains("degenerate") &&
         golden_run["sampler"].get<std::string>().starts_with("uni_pc");
}

TEST(SamplerGolden, EveryRunEqualsComfyUi) {
  int agreeing = 0, skipped = 0, float64 = 0;
  for (const json& golden_run : document()["runs"]) {
    SCOPED_TRACE(golden_run["id"]);
    if (reference_takes_no_step(golden_run)) {
      ++skipped;
      continue;
    }
    Trace trace = run_golden(golden_run);
    bool agrees = result_agrees(golden_run, trace.result);
    EXPECT_TRUE(agrees) << golden::max_difference(trace.result,
                                                  golden::tensor(tensors(), golden_run["x0"]));
    agreeing += agrees;
    float64 += golden_run.contains("x0_f64");
  }
  EXPECT_EQ(agreeing, 352);
  EXPECT_EQ(skipped, 2);
  RecordProperty("against_float64", float64);
}

// The way there, not only the end: each call's sigma and x, the state after three steps, and what
// noise was asked for.
TEST(SamplerGolden, EveryCallEqualsComfyUi) {
  for (const json& golden_run : document()["runs"]) {
    SCOPED_TRACE(golden_run["id"]);
    // Where float32 lost digits, the trace has lost them too; where the reference does not denoise
    // there is none.
    if (golden_run.contains("x0_f64") || golden_run.contains("degenerate")) continue;
    Trace trace = run_golden(golden_run);
    ASSERT_EQ(trace.calls.size(), golden_run["eval_sigma"].size());
    double tolerance = 4 * tolerance_of(golden_run);  // states before the end are larger
    for (std::size_t k = 0; k < trace.calls.size(); ++k) {
      double sigma = golden_run["eval_sigma"][k], x = golden_run["eval_x_first"][k];
      // dpm_adaptive chooses its sigmas by an error that the reference works out in float32.
      double sigma_tolerance = golden_run["sampler"] == "dpm_adaptive" ? 2e-4 : 1e-5;
      EXPECT_NEAR(trace.calls[k].first, sigma, sigma_tolerance * sigma) << "call " << k;
      EXPECT_NEAR(trace.calls[k].second, x, tolerance * std::max(1.0, std::fabs(x)))
          << "call " << k;
    }
    std::string sampler = golden_run["sampler"];
    // dpm_adaptive counts attempts, dpm_fast its own longer steps.
    if (!golden_run["x3"].is_null() && sampler != "dpm_adaptive" && sampler != "dpm_fast") {
      Tensor wanted = golden::tensor(tensors(), golden_run["x3"]);
      if (sampler.starts_with("uni_pc")) {
        double sigma =
            golden::tensor(tensors(), "sigmas." + golden_run["schedule"].get<std::string>())
                .data()[3];
        for (float& value : wanted.values())
          value *= static_cast<float>(std::sqrt(1 + sigma * sigma));
      }
      EXPECT_LE(golden::max_difference(trace.x3, wanted), tolerance);
    }
    if (golden_run["uses_noise"].get<bool>() && golden_run.contains("noise_sigma_pairs")) {
      // The reference may draw once more at the end, for a step that adds no noise.
      ASSERT_GE(trace.draws.size() + 1, golden_run["noise_sigma_pairs"].size());
      ASSERT_LE(trace.draws.size(), golden_run["noise_sigma_pairs"].size());
      for (std::size_t k = 0; k < trace.draws.size(); ++k) {
        const json& pair = golden_run["noise_sigma_pairs"][k];
        EXPECT_NEAR(trace.draws[k].first, pair[0], 2e-4 * pair[0].get<double>());
        EXPECT_NEAR(trace.draws[k].second, pair[1], 2e-4 * pair[1].get<double>());
      }
    }
  }
}

TEST(SamplerGolden, TheComparisonSeesAWrongNumber) {
  for (const json& golden_run : document()["runs"]) {
    if (golden_run["id"] != "dpmpp_2m/default/karras20" &&
        golden_run["id"] != "uni_pc/default/karras20")
      continue;
    Tensor result = run_golden(golden_run).result;
    EXPECT_TRUE(result_agrees(golden_run, result));
    result.values()[100] += 1e-4f;
    EXPECT_FALSE(result_agrees(golden_run, result));
    result.values()[100] = std::nanf("");
    EXPECT_FALSE(result_agrees(golden_run, result));
  }
}

// With the noise made from a seed, as ComfyUI makes it: tests/golden/seeded_noise.json.
TEST(SamplerGolden, SeededRunsEqualComfyUi) {
  auto seeded = json::parse(std::ifstream(golden::path("seeded_noise.json")));
  auto file = io::SafetensorsFile::open(golden::path("seeded_noise.safetensors")).value();
  Tensor sigma_tensor = golden::tensor(file, "sigmas");
  std::vector<float> sigmas(sigma_tensor.values().begin(), sigma_tensor.values().end());
  auto model = NoiseSchedule::discrete();
  Denoiser denoise = analytic_denoiser;
  for (const json& golden_run : seeded["runs"]) {
    const Sampler* sampler = find_sampler(golden_run["sampler"].get<std::string>()).value();
    auto seeds = NoiseSeeds::shared(golden_run["seed"]);
    EXPECT_EQ(sampler->noise == NoiseKind::kBrownian,
              golden_run["noise_source"] == "brownian_tree");
    auto noise = sampler->noise == NoiseKind::kBrownian
                     ? brownian_noise({2, 4, 8, 8}, seeds, sigmas).value()
                     : gaussian_noise({2, 4, 8, 8}, seeds).value();
    SamplerRun run{.denoise = denoise, .model = model, .sigmas = sigmas, .noise = noise.get()};
    Tensor result = sample(*sampler, run, golden::tensor(file, "x_init")).value();
    EXPECT_LE(golden::max_difference(result, golden::tensor(file, golden_run["x0"])), 2e-5)
        << golden_run["x0"];
  }
}

}  // namespace
}  // namespace obscura::diffusion
