// Images of a render in progress, for next to nothing.
//
// Latents look like small, wrongly coloured images. The right colours are found once a run: a
// thumbnail of the latent is decoded by the model's own VAE, and the linear map from latent
// channels to colours is fitted to it by least squares. So previews are right for any VAE, and need
// no table of numbers for each. Sharper ones, at a little more time, are those of TAESD.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "pipeline/model.h"
#include "runtime/session.h"

namespace obscura::pipeline {

class Previewer {
 public:
  // Borrows the session. `taesd` may be null; a model whose file has no VAE then gives no previews.
  Previewer(runtime::Session& session, std::shared_ptr<const DiffusionModel> model,
            std::shared_ptr<const Vae> taesd = nullptr);

  // The first image of an unscaled latent (B, 4, h, w), as (1, H, W, 3) in 0…1 with no side above
  // 512; none if there is nothing to decode it with. Without TAESD the first call decodes a
  // thumbnail of 16x16 latent pixels.
  Result<std::optional<Tensor>> preview(const Tensor& latent, const CancelToken& cancel);

 private:
  // red, green and blue as a linear function of the latent channels and 1.
  using Colours = std::vector<std::array<double, 3>>;
  Result<Colours> fit(const Tensor& latent, const CancelToken& cancel) const;
  // By the fitted colours, a pixel a latent pixel.
  Tensor coloured(const Tensor& first) const;

  runtime::Session& session_;
  std::shared_ptr<const Vae> taesd_;
  std::optional<Vae> vae_;
  Colours colours_;
};

}  // namespace obscura::pipeline
