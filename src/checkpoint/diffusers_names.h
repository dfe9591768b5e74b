// diffusers' names for the tensors of the U-Net and the VAE, turned into LDM's, in which the
// networks are written: "down_blocks.1.attentions.0.proj_in.weight" is "input_blocks.4.1.proj_in.
// weight". Text encoders need none of this: diffusers takes them from Hugging Face, whose names the
// networks know.
#pragma once

#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// Each reads from the names below `prefix` how many layers a level has, and is then good for those
// names. The result refers to nothing; it gives "" for what is no tensor of the network.
Rename ldm_unet_names(const TensorNames& names, std::string_view prefix);
Rename ldm_vae_names(const TensorNames& names, std::string_view prefix);

}  // namespace obscura::checkpoint
