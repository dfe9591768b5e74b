// Guidance, over predictions of the clean latent (B, …). Images of a batch do not see one another:
// norms and products are taken an image at a time. All tensors of a call have one shape.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace obscura::diffusion {

// uncond + (cond - uncond) * scale: Ho and Salimans, arXiv:2207.12598. REQUIRES: equal shapes.
Tensor cfg(const Tensor& cond_x0, const Tensor& uncond_x0, double scale);

// `guided` with the standard deviation of each image brought to that of `like`; `multiplier` 0
// leaves it as it is, 1 brings it all the way. REQUIRES: equal shapes (B, …) with more than one
// element an image.
Tensor rescaled(const Tensor& guided, const Tensor& like, double multiplier);

// Guidance whose contrast is brought back to the conditional prediction's: Lin et al.,
// arXiv:2305.08891, section 3.4. Works on the velocities that the predictions stand for at (x,
// sigma), whatever the network predicts, as ComfyUI's RescaleCFG does. `multiplier` 0 is plain cfg,
// 1 full rescaling. REQUIRES: equal shapes (B, …) with more than one element an image.
Tensor rescaled_cfg(const Tensor& x, double sigma, const Tensor& cond_x0, const Tensor& uncond_x0,
                    double scale, double multiplier);

// Perp-Neg (Armandpour et al., arXiv:2304.04968): of the negative's direction only what is
// perpendicular to the positive's counts, times `negative_scale`; both seen from the empty prompt.
Tensor perpendicular_negative(const Tensor& cond, const Tensor& uncond, const Tensor& empty,
                              double scale, double negative_scale);

// Guidance no longer than `most` times the conditional prediction (Lumina-Image 2.0).
Tensor renormed_cfg(const Tensor& cond, const Tensor& uncond, double scale, double most);

// The unconditional prediction with only that part of its direction that it has in common with the
// conditional one (TCFG, Kwon et al., arXiv:2503.18137): its projection on the first singular
// vector of the two.
Tensor tangentially_damped(const Tensor& x, const Tensor& cond, const Tensor& uncond);

// CFG-Zero* (Fan et al., arXiv:2503.18886): `guided` as if the unconditional prediction had been
// scaled to fit the conditional one best.
Tensor zero_star(const Tensor& x, const Tensor& cond, const Tensor& uncond, const Tensor& guided,
                 double scale);

// `guided` with no pixel's channel vector longer than in `cond`, times `strength`.
Tensor norm_limited(const Tensor& cond, const Tensor& guided, double strength);

// Between `guided` and scale * cond, more of the former the better they agree in direction with
// scale * uncond (ComfyUI's Mahiro).
Tensor mahiro(const Tensor& cond, const Tensor& uncond, const Tensor& guided, double scale);

// Adaptive projected guidance (Sadat et al., arXiv:2410.02416): what to use as the conditional
// prediction so that plain cfg of this scale gives it. `guidance` is cond - uncond, with momentum
// where there is one. `threshold` 0: not limited.
Tensor projected(const Tensor& cond, const Tensor& uncond, const Tensor& guidance, double scale,
                 double eta, double threshold);

// Planes (B, C, H, W) whose `cutoff` lowest frequencies each way are times `low`, the others times
// `high`.
Tensor scaled_frequencies(const Tensor& planes, double low, double high, std::int64_t cutoff);

}  // namespace obscura::diffusion
