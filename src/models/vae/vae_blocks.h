// Blocks that the VAE's encoder and decoder share. Images are (N, H, W, C).
#pragma once

#include "nn/scope.h"

namespace obscura::models {

// norm1, conv1, norm2, conv2, added to x, which `nin_shortcut` brings to the new width.
ir::ValueId vae_residual(const nn::Scope& at, ir::ValueId x);

// block_1, attn_1, block_2: the only place where distant pixels see each other.
ir::ValueId vae_middle(const nn::Scope& at, ir::ValueId x);

// norm_out, SiLU, conv_out.
ir::ValueId vae_end(const nn::Scope& at, ir::ValueId x);

}  // namespace obscura::models
