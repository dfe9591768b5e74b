// Between images and latents: the VAE and TAESD, with the layouts and ranges that nodes use.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "pipeline/image_model.h"
#include "pipeline/model.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// The VAE's halves: latents (B, C, h, w), unscaled, to images (B, scale h, scale w, 3) in 0…1, and
// back. kInvalidInput if it has no encoder.
ImageModel decoder_of(const Vae& vae);
Result<ImageModel> encoder_of(const Vae& vae);

Result<Tensor> decode_image(runtime::Session& session, const Vae& vae, const Tensor& latent,
                            const CancelToken& cancel);

// From any number of channels. The result is the mean of the encoder's distribution, so that the
// same image always gives the same latent. Sides that are no multiple of the VAE's scale are cut,
// equally at both ends, as ComfyUI does. kInvalidInput for an image of less than a latent's pixel.
Result<Tensor> encode_image(runtime::Session& session, const Vae& vae, const Tensor& image,
                            const CancelToken& cancel);

}  // namespace obscura::pipeline
