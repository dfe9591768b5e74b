// Between pictures and latents: the VAE, with the layouts and ranges that nodes use.
#pragma once

#include "pipeline/model.h"
#include "runtime/image_network.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// The VAE's halves for a latent of this size, as they will run under the session's budget.
Result<runtime::ImageNetwork> plan_decoder(runtime::Session& session, const Vae& vae,
                                           std::int64_t height, std::int64_t width);
Result<runtime::ImageNetwork> plan_encoder(runtime::Session& session, const Vae& vae,
                                           std::int64_t height, std::int64_t width);

// (B, 4, h, w), unscaled -> (B, 8h, 8w, 3) in 0…1.
Result<Tensor> decode_image(runtime::Session& session, const Vae& vae, const Tensor& latent,
                            const CancelToken& cancel);

// (B, H, W, 3 or more channels) in 0…1 -> (B, 4, H/8, W/8), unscaled: the mean of the encoder's
// distribution, so that the same picture always gives the same latent. Sides that are no multiple
// of 8 are cut, equally at both ends, as ComfyUI does.
Result<Tensor> encode_image(runtime::Session& session, const Vae& vae, const Tensor& image,
                            const CancelToken& cancel);

}  // namespace obscura::pipeline
