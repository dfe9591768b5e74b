#include "diffusion/samplers/solver.h"

#include <cmath>
#include <utility>

#include "base/check.h"

namespace obscura::diffusion {

Solver::Solver(const Sampler& sampler, const SamplerRun& run, SamplerOptions options)
    : sampler_(sampler),
      run_(run),
      options_(std::move(options)),
      sigmas_(run.sigmas.begin(), run.sigmas.end()) {}

void Solver::avoid_zero_snr() {
  if (model().is_flow() && sigmas_[0] >= 1)
    sigmas_[0] = static_cast<float>(model().percent_to_sigma(1e-4));
}

double Solver::number(std::string_view option) const {
  auto found = options_.find(option);
  OBSCURA_CHECK(found != options_.end(), "no option " + std::string(option));
  return std::get<double>(found->second);
}

const std::string& Solver::text(std::string_view option) const {
  auto found = options_.find(option);
  OBSCURA_CHECK(found != options_.end(), "no option " + std::string(option));
  return std::get<std::string>(found->second);
}

Result<Denoised> Solver::denoise(const Tensor& x, double sigma) {
  OBSCURA_TRY(run_.cancel.check());
  auto at = static_cast<float>(sigma);
  OBSCURA_ASSIGN(Denoised result, run_.denoise(x, at));
  OBSCURA_CHECK(result.x0.shape() == x.shape(), "the denoiser changed the shape of the latent");
  OBSCURA_CHECK(!sampler_.needs_uncond || result.uncond_x0.shape() == x.shape(),
                std::string(sampler_.name) + " needs the unconditional prediction");
  // 0 times a number is 0, and NaN for a NaN or an infinity: one branch for the whole latent.
  float zero = 0;
  for (float value : std::as_const(result.x0).values()) zero += value * 0;
  if (std::isnan(zero)) {
    return Error(ErrorKind::kNumeric, "[" + std::string(sampler_.name) +
                                          "] the network returned a NaN or an infinity at sigma " +
                                          std::to_string(at));
  }
  return result;
}

Result<Denoised> Solver::begin_step(int i, const Tensor& x, double sigma) {
  OBSCURA_ASSIGN(Denoised result, denoise(x, sigma));
  OBSCURA_TRY(report(i, sigma, x, result.x0));
  return result;
}

Status Solver::report(int i, double sigma, const Tensor& x, const Tensor& x0) {
  if (!run_.on_step) return {};
  return run_.on_step(i, steps(), static_cast<float>(sigma), x, x0);
}

Tensor Solver::noise(double sigma, double sigma_next) {
  OBSCURA_CHECK(run_.noise != nullptr, std::string(sampler_.name) + " needs a noise source");
  return run_.noise->draw(sigma, sigma_next);
}

Tensor Solver::resized(const Tensor& x, std::int64_t height, std::int64_t width,
                       ResizeMethod method) {
  if (run_.noise != nullptr) run_.noise->resize(height, width);
  return resize(x, width, height, method);
}

Tensor Solver::with_noise(Tensor x, double weight, double sigma, double sigma_next) {
  if (weight == 0) return x;
  return weighted_sum({{1, x}, {weight, noise(sigma, sigma_next)}});
}

}  // namespace obscura::diffusion
