#include "pipeline/image_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/vae/tiny_vae.h"
#include "tensor/resize.h"

namespace obscura::pipeline {

namespace {

// What TAESD's decoder takes: the latent as the U-Net sees it, bent to stay within -3…3.
Tensor bent(const Tensor& latent, double scale) {
  Tensor result(latent.shape());
  for (std::int64_t i = 0; i < latent.elements(); ++i)
    result.data()[i] = static_cast<float>(3 * std::tanh(latent.data()[i] * scale / 3));
  return result;
}

}  // namespace

Result<runtime::ImageNetwork> plan_decoder(runtime::Session& session, const Vae& vae,
                                           std::int64_t height, std::int64_t width) {
  if (vae.tiny) {
    OBSCURA_ASSIGN(ir::Graph tiny, models::build_tiny_decoder(*vae.weights, 1, height, width));
    return runtime::ImageNetwork::plan(session, "taesd decode", vae.weights, std::move(tiny));
  }
  OBSCURA_ASSIGN(ir::Graph graph, models::build_vae_decoder(*vae.weights, 1, height, width));
  return runtime::ImageNetwork::plan(session, "vae decode", vae.weights, std::move(graph));
}

Result<runtime::ImageNetwork> plan_encoder(runtime::Session& session, const Vae& vae,
                                           std::int64_t height, std::int64_t width) {
  std::int64_t scale = vae.dimensions.scale();
  if (vae.tiny) {
    if (vae.tiny->encoder == nullptr)
      return Error(ErrorKind::kInvalidInput, vae.file->name() + " only decodes");
    OBSCURA_ASSIGN(ir::Graph tiny, models::build_tiny_encoder(*vae.tiny->encoder, 1, height * scale,
                                                              width * scale));
    return runtime::ImageNetwork::plan(session, "taesd encode", vae.tiny->encoder, std::move(tiny));
  }
  OBSCURA_ASSIGN(ir::Graph graph,
                 models::build_vae_encoder(*vae.weights, 1, height * scale, width * scale));
  return runtime::ImageNetwork::plan(session, "vae encode", vae.weights, std::move(graph));
}

Result<Tensor> decode_image(runtime::Session& session, const Vae& vae, const Tensor& latent,
                            const CancelToken& cancel) {
  const Shape& s = latent.shape();
  OBSCURA_ASSIGN(runtime::ImageNetwork decoder, plan_decoder(session, vae, s[2], s[3]));
  std::int64_t scale = vae.dimensions.scale();
  Tensor images(Shape{s[0], s[2] * scale, s[3] * scale, vae.dimensions.image_channels});
  float* target = images.data();
  for (std::int64_t b = 0; b < s[0]; ++b) {
    Tensor planes = latent.slice(b);
    if (vae.tiny) planes = bent(planes, vae.tiny->latent_scale);
    OBSCURA_ASSIGN(Tensor image, decoder.run(session, image_of_planes(planes), cancel));
    for (float value : std::as_const(image).values())
      *target++ = std::clamp(vae.tiny ? value : (value + 1) * 0.5f, 0.0f, 1.0f);
  }
  return images;
}

Result<Tensor> encode_image(runtime::Session& session, const Vae& vae, const Tensor& image,
                            const CancelToken& cancel) {
  const Shape& s = image.shape();
  std::int64_t scale = vae.dimensions.scale(), channels = vae.dimensions.image_channels;
  std::int64_t height = s[1] / scale, width = s[2] / scale;
  if (height == 0 || width == 0) {
    return Error(
        ErrorKind::kInvalidInput,
        fmt::format("a picture of {}x{} is too small for the VAE, which wants at least {}x{}", s[2],
                    s[1], scale, scale));
  }
  OBSCURA_ASSIGN(runtime::ImageNetwork encoder, plan_encoder(session, vae, height, width));
  std::int64_t top = (s[1] - height * scale) / 2, left = (s[2] - width * scale) / 2;
  std::vector<Tensor> latents;
  for (std::int64_t b = 0; b < s[0]; ++b) {
    Tensor pixels(Shape{1, height * scale, width * scale, channels});
    float* target = pixels.data();
    for (std::int64_t y = 0; y < height * scale; ++y) {
      for (std::int64_t x = 0; x < width * scale; ++x) {
        const float* source = image.data() + ((b * s[1] + top + y) * s[2] + left + x) * s[3];
        for (std::int64_t c = 0; c < channels; ++c) {
          const float value = source[std::min(c, s[3] - 1)];
          *target++ = vae.tiny ? value : value * 2 - 1;
        }
      }
    }
    OBSCURA_ASSIGN(Tensor moments, encoder.run(session, pixels, cancel));
    if (vae.tiny) {
      Tensor code = planes_of_image(moments);
      for (float& value : code.values()) value /= vae.tiny->latent_scale;
      latents.push_back(std::move(code));
      continue;
    }
    Tensor both = planes_of_image(moments);  // (1, 2C, h, w): means, then logarithms of variances
    std::int64_t half = both.elements() / 2;
    latents.emplace_back(Shape{1, both.shape()[1] / 2, height, width},
                         std::vector<float>(both.data(), both.data() + half));
  }
  return concatenate(latents);
}

}  // namespace obscura::pipeline
