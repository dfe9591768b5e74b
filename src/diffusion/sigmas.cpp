#include "diffusion/sigmas.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "diffusion/explicit_sigmas.h"

namespace obscura::diffusion {
namespace {

constexpr int kMostSteps = 10'000;

// `count` numbers from first to last inclusive; the first alone if count is 1.
std::vector<double> linspace(double first, double last, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i)
    values.push_back(count == 1 ? first : first + (last - first) * i / (count - 1));
  return values;
}

// Timesteps evenly from the noisiest to the cleanest, both included.
std::vector<float> normal(const NoiseSchedule& model, int steps) {
  double first = model.timestep(model.sigma_max()), last = model.timestep(model.sigma_min());
  bool ends_at_zero = std::fabs(model.sigma(last)) < 1e-5;
  std::vector<float> sigmas;
  for (double t : linspace(first, last, ends_at_zero ? steps + 1 : steps)) {
    sigmas.push_back(static_cast<float>(model.sigma(t)));
  }
  if (!ends_at_zero) sigmas.push_back(0);
  return sigmas;
}

// The same with one more point, and the cleanest left out.
std::vector<float> sgm_uniform(const NoiseSchedule& model, int steps) {
  auto timesteps =
      linspace(model.timestep(model.sigma_max()), model.timestep(model.sigma_min()), steps + 1);
  timesteps.pop_back();
  std::vector<float> sigmas;
  for (double t : timesteps) sigmas.push_back(static_cast<float>(model.sigma(t)));
  sigmas.push_back(0);
  return sigmas;
}

// Every (1000 / steps)-th entry of the table, counted from the noisiest and rounded down.
std::vector<float> simple(const NoiseSchedule& model, int steps) {
  std::span<const float> table = model.sigmas();
  double stride = static_cast<double>(table.size()) / steps;
  std::vector<float> sigmas;
  for (int i = 0; i < steps; ++i) {
    sigmas.push_back(table[table.size() - 1 - static_cast<std::size_t>(i * stride)]);
  }
  sigmas.push_back(0);
  return sigmas;
}

// Entries 1, 1 + stride, 1 + 2 stride, … of the table, reversed (Song et al., arXiv:2010.02502,
// counted as in LDM).
std::vector<float> ddim_uniform(const NoiseSchedule& model, int steps) {
  std::span<const float> table = model.sigmas();
  std::size_t stride = std::max<std::size_t>(table.size() / static_cast<std::size_t>(steps), 1);
  std::vector<float> sigmas = {0};
  for (std::size_t i = 1; i < table.size(); i += stride) sigmas.push_back(table[i]);
  std::reverse(sigmas.begin(), sigmas.end());
  return sigmas;
}

std::vector<float> karras(const NoiseSchedule& model, int steps) {
  return karras_sigmas(steps, model.sigma_min(), model.sigma_max(), 7);
}

std::vector<float> exponential(const NoiseSchedule& model, int steps) {
  return exponential_sigmas(steps, model.sigma_min(), model.sigma_max());
}

std::vector<float> beta(const NoiseSchedule& model, int steps) {
  return beta_sigmas(model, steps, 0.6, 0.6);
}

// The first half falls linearly by `kThreshold` of the way, the rest quadratically (Movie Gen,
// arXiv:2410.13720).
std::vector<float> linear_quadratic(const NoiseSchedule& model, int steps) {
  constexpr double kThreshold = 0.025;
  double sigma_max = model.sigma_max();
  if (steps == 1) return {static_cast<float>(sigma_max), 0};
  int linear_steps = steps / 2, quadratic_steps = steps - linear_steps;
  double slope = kThreshold / linear_steps;
  double bend = (linear_steps - kThreshold * steps) / (1.0 * quadratic_steps * quadratic_steps);
  std::vector<float> sigmas;
  for (int i = 0; i < steps; ++i) {
    double past = std::max(0, i - linear_steps);
    // Past the threshold: the parabola through it, with 1 at the last step. Written about i =
    // linear_steps.
    double quadratic = kThreshold + slope * past + bend / linear_steps * past * past;
    double way = i < linear_steps ? slope * i : quadratic;
    sigmas.push_back(static_cast<float>((1 - way) * sigma_max));
  }
  sigmas.push_back(0);
  return sigmas;
}

// Evenly in arctan sigma (Align Your Steps, arXiv:2404.14507, theorem 3.1).
std::vector<float> kl_optimal(const NoiseSchedule& model, int steps) {
  std::vector<float> sigmas;
  for (double angle : linspace(std::atan(model.sigma_max()), std::atan(model.sigma_min()), steps)) {
    sigmas.push_back(static_cast<float>(std::tan(angle)));
  }
  sigmas.push_back(0);
  return sigmas;
}

constexpr SigmaSchedule kSchedules[] = {
    {"simple", simple},
    {"sgm_uniform", sgm_uniform},
    {"karras", karras},
    {"exponential", exponential},
    {"ddim_uniform", ddim_uniform},
    {"beta", beta},
    {"normal", normal},
    {"linear_quadratic", linear_quadratic},
    {"kl_optimal", kl_optimal},
};

}  // namespace

std::span<const SigmaSchedule> sigma_schedules() {
  return kSchedules;
}

Result<std::vector<float>> make_sigmas(std::string_view name, const NoiseSchedule& model,
                                       int steps) {
  if (steps < 1 || steps > kMostSteps) {
    return Error(ErrorKind::kInvalidInput,
                 "[scheduler] steps wants 1…10000, got " + std::to_string(steps));
  }
  for (const SigmaSchedule& schedule : kSchedules) {
    if (schedule.name == name) return schedule.sigmas(model, steps);
  }
  std::string known;
  for (const SigmaSchedule& schedule : kSchedules)
    known += (known.empty() ? "" : ", ") + std::string(schedule.name);
  return Error(ErrorKind::kInvalidInput,
               "[scheduler] wants one of " + known + "; got \"" + std::string(name) + "\"");
}

Result<std::vector<float>> make_sigmas(const SigmaRequest& request, const NoiseSchedule& model) {
  if (!(request.denoise > 0)) return std::vector<float>();
  bool whole = request.denoise > 0.9999;
  double scheduled = whole ? request.steps : request.steps / request.denoise;
  int steps = static_cast<int>(std::min(scheduled, 1e9)) + (request.discard_penultimate ? 1 : 0);
  OBSCURA_ASSIGN(auto sigmas, make_sigmas(request.scheduler, model, steps));
  if (request.discard_penultimate) sigmas.erase(sigmas.end() - 2);
  auto kept = static_cast<std::size_t>(request.steps) + 1;
  if (!whole && sigmas.size() > kept)
    sigmas.erase(sigmas.begin(), sigmas.end() - static_cast<std::ptrdiff_t>(kept));
  return sigmas;
}

std::vector<float> cut_steps(std::vector<float> sigmas, int start, int end,
                             bool force_full_denoise) {
  auto count = static_cast<std::ptrdiff_t>(sigmas.size());
  if (end < count - 1) {
    sigmas.resize(static_cast<std::size_t>(end) + 1);
    if (force_full_denoise) sigmas.back() = 0;
  }
  if (start >= static_cast<std::ptrdiff_t>(sigmas.size()) - 1) return {};
  sigmas.erase(sigmas.begin(), sigmas.begin() + start);
  return sigmas;
}

}  // namespace obscura::diffusion
