// Self-attention guidance (Hong et al., arXiv:2210.00939), but for its calls to the network: which
// places of an image the network looks at, and the image blurred there.
#pragma once

#include "tensor/tensor.h"

namespace obscura::diffusion {

// How much attention each token gets from all, (B, T): the mean over the heads, the sum over the
// queries. 1 is an equal share. `queries` and `keys` (B, T, C), heads side by side. REQUIRES: a C
// that is a multiple of `heads`.
Tensor attention_received(const Tensor& queries, const Tensor& keys, int heads);

// x0 (B, C, h, w) blurred where a token gets more attention than an equal share. `received` (B, T)
// are the tokens of the same image at a smaller size, whose sides follow from T. The blur is a
// Gaussian of nine pixels, its deviation `sigma` of them; 0 blurs nothing. REQUIRES: sides of at
// least 5.
Tensor blurred_where_attended(const Tensor& x0, const Tensor& received, double sigma);

}  // namespace obscura::diffusion
