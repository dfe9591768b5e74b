// Normalisations with `weight` and `bias`, one of each a channel.
#pragma once

#include "nn/scope.h"

namespace obscura::nn {

// 32 groups, as everywhere in the Stable Diffusion family. x (N, H, W, C).
ir::ValueId group_norm(const Scope& at, ir::ValueId x, float eps);
ir::ValueId group_norm_silu(const Scope& at, ir::ValueId x, float eps);

// Over the innermost axis, eps 1e-5.
ir::ValueId layer_norm(const Scope& at, ir::ValueId x);

}  // namespace obscura::nn
