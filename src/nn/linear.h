// A layer of `weight` (out, in) and, where the file has one, `bias` (out), over the innermost axis.
#pragma once

#include "nn/scope.h"

namespace obscura::nn {

// A weight stored as a 1x1 convolution (out, in, 1, 1) counts as (out, in): Stable Diffusion 1's
// proj_in and the VAE's attention are stored so.
ir::ValueId linear(const Scope& at, ir::ValueId x);

}  // namespace obscura::nn
