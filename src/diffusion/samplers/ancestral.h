// Ways to put noise back in: the ancestral step, and Karras' churn.
#pragma once

#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {

// A step to `sigma_next` as a deterministic step down to `down`, then x * scale + noise * up.
struct AncestralStep {
  double down;
  double scale;
  double up;
};

// eta 0 adds no noise, eta 1 as much as the diffusion process itself (Song et al.,
// arXiv:2010.02502, eq. 16, by way of k-diffusion). For flow the state is shrunk to make room for
// the noise, which eps models do not need.
AncestralStep ancestral_step(const NoiseSchedule& model, double sigma, double sigma_next,
                             double eta);
// As above for x = x0 + sigma * noise, whatever the model.
AncestralStep ancestral_step(double sigma, double sigma_next, double eta);

// The end of an ancestral step whose deterministic part gave x; s_noise scales the noise. Draws
// none at the schedule's end.
Tensor renoise(Solver& run, Tensor x, const AncestralStep& step, double s_noise, int i);

// Raises the sigma before step i (Karras et al., arXiv:2206.00364, algorithm 2, lines 4 to
// 6), by options s_churn, s_tmin, s_tmax and s_noise.
struct Churned {
  Tensor x;
  double sigma;
};
Churned churn(Solver& run, int i, Tensor x, bool discards_draws = false);

}  // namespace obscura::diffusion
