// Classifier-free guidance, over predictions of the clean latent.
#pragma once

#include "tensor/tensor.h"

namespace obscura::diffusion {

// uncond + (cond - uncond) * scale: Ho and Salimans, arXiv:2207.12598. REQUIRES: equal shapes.
Tensor cfg(const Tensor& cond_x0, const Tensor& uncond_x0, double scale);

// Guidance whose contrast is brought back to the conditional prediction's: Lin et al.,
// arXiv:2305.08891, section 3.4. Works on the velocities that the predictions stand for at (x,
// sigma), whatever the network predicts, as ComfyUI's RescaleCFG does. `multiplier` 0 is plain cfg,
// 1 full rescaling. REQUIRES: equal shapes (B, …) with more than one element an image.
Tensor rescaled_cfg(const Tensor& x, double sigma, const Tensor& cond_x0, const Tensor& uncond_x0,
                    double scale, double multiplier);

}  // namespace obscura::diffusion
