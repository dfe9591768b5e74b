// Euler's method on dx/dsigma = (x - x0) / sigma, alone and with noise added back.
#include <algorithm>
#include <cmath>
#include <utility>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

// x + (to - from) * (x - x0) / from
Tensor euler_step(const Tensor& x, const Tensor& x0, double from, double to) {
  return weighted_sum({{to / from, x}, {1 - to / from, x0}});
}

}  // namespace

// Karras et al., arXiv:2206.00364, algorithm 2 without its correction.
Result<Tensor> solve_euler(Solver& run, Tensor x) {
  for (int i = 0; i < run.steps(); ++i) {
    Churned start = churn(run, i, std::move(x));
    OBSCURA_ASSIGN(Denoised denoised, run.begin_step(i, start.x, start.sigma));
    x = euler_step(start.x, denoised.x0, start.sigma, run.sigma(i + 1));
  }
  return x;
}

Result<Tensor> solve_euler_ancestral(Solver& run, Tensor start) {
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    AncestralStep step = ancestral_step(run.model(), run.sigma(i), run.sigma(i + 1), eta);
    return renoise(run, euler_step(x, denoised.x0, run.sigma(i), step.down), step, s_noise, i);
  };
  return run.each_step(std::move(start), advance);
}

// Ho et al., arXiv:2006.11239: in this scaling a step of the chain is an ancestral step of eta 1.
Result<Tensor> solve_ddpm(Solver& run, Tensor start) {
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    AncestralStep step = ancestral_step(run.sigma(i), run.sigma(i + 1), 1);
    return renoise(run, euler_step(x, denoised.x0, run.sigma(i), step.down), step, 1, i);
  };
  return run.each_step(std::move(start), advance);
}

// CFG++ (Chung et al., arXiv:2406.08070): the noise is taken from the unconditional prediction.
Result<Tensor> solve_euler_ancestral_cfg_pp(Solver& run, Tensor start) {
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  const NoiseSchedule& model = run.model();
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double alpha = model.alpha(sigma), alpha_next = model.alpha(sigma_next);
    // In units of sigma / alpha; where alpha is 0 (a flow's first sigma) no part of the noise is
    // kept out of the step.
    double scaled_next = sigma_next / alpha_next;
    AncestralStep step = alpha == 0
                             ? AncestralStep{std::sqrt(1 - std::min(1.0, eta * eta)) * scaled_next,
                                             1, std::min(1.0, eta) * scaled_next}
                             : ancestral_step(sigma / alpha, scaled_next, eta);
    double noise_kept = alpha_next * step.down / sigma;  // of x - alpha * uncond_x0
    x = weighted_sum(
        {{alpha_next, denoised.x0}, {noise_kept, x}, {-noise_kept * alpha, denoised.uncond_x0}});
    return run.with_noise(std::move(x), s_noise * alpha_next * step.up, sigma, sigma_next);
  };
  return run.each_step_to_x0(std::move(start), advance);
}

// CFG++ by ComfyUI's other reading: a step along the noise that both predictions leave.
Result<Tensor> solve_euler_pp(Solver& run, Tensor start) {
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double step = (run.sigma(i + 1) - run.sigma(i)) / run.sigma(i);
    return weighted_sum({{1 + step, x}, {-2 * step, denoised.x0}, {step, denoised.uncond_x0}});
  };
  return run.each_step(std::move(start), advance);
}

// Latent consistency models (Luo et al., arXiv:2310.04378): jump to x0, then back to the next
// sigma.
Result<Tensor> solve_lcm(Solver& run, Tensor start) {
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    x = denoised.x0;
    double sigma_next = run.sigma(i + 1);
    if (sigma_next > 0) x = run.model().noised(x, run.noise(run.sigma(i), sigma_next), sigma_next);
    return x;
  };
  return run.each_step(std::move(start), advance);
}

// The same for an image that grows from step to step, evenly up to `total_upscale`.
Result<Tensor> solve_lcm_upscale(Solver& run, Tensor start) {
  const std::int64_t height = start.shape()[2], width = start.shape()[3];
  const int asked = run.integer("upscale_steps"), sigmas = run.steps() + 1;
  const int growths = asked < 0 ? std::max(sigmas / 2, 1) : std::min(asked, sigmas);
  const ResizeMethod method = *resize_method_from_name(run.text("upscale_method"));
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    x = denoised.x0;
    if (i < growths) {
      const double scale = 1 + (run.number("total_upscale") - 1) * (i + 1) / growths;
      auto scaled = [&](std::int64_t side) {
        return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(side) * scale));
      };
      if (scaled(height) < 1 || scaled(width) < 1) {
        return Error(ErrorKind::kInvalidInput,
                     "[lcm_upscale] nothing is left of a latent of " + std::to_string(width) + "x" +
                         std::to_string(height) + " at " + std::to_string(scale) + " of its size");
      }
      x = run.resized(x, scaled(height), scaled(width), method);
    }
    const double sigma_next = run.sigma(i + 1);
    if (sigma_next > 0) x = run.model().noised(x, run.noise(run.sigma(i), sigma_next), sigma_next);
    return x;
  };
  return run.each_step(std::move(start), advance);
}

}  // namespace obscura::diffusion
