#include "pipeline/image_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/vae/tiny_vae.h"
#include "models/vae/vae.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

Tensor each(const Tensor& tensor, const std::function<float(float)>& change) {
  Tensor result(tensor.shape());
  std::transform(tensor.data(), tensor.data() + tensor.elements(), result.data(), change);
  return result;
}

// The middle of an image (1, H, W, C) whose sides become multiples of `multiple`, with so many
// channels: where it has fewer, the last stands for those that are missing.
Tensor whole_blocks(const Tensor& image, std::int64_t multiple, std::int64_t channels) {
  const Shape& s = image.shape();
  const std::int64_t height = s[1] / multiple * multiple, width = s[2] / multiple * multiple;
  const std::int64_t top = (s[1] - height) / 2, left = (s[2] - width) / 2;
  Tensor pixels(Shape{1, height, width, channels});
  float* target = pixels.data();
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const float* source = image.data() + ((top + y) * s[2] + left + x) * s[3];
      for (std::int64_t c = 0; c < channels; ++c) *target++ = source[std::min(c, s[3] - 1)];
    }
  }
  return pixels;
}

// Of (1, h, w, 2C), means and then logarithms of variances, the means as planes (1, C, h, w).
Tensor means_of(const Tensor& moments) {
  const Tensor both = planes_of_image(moments);
  const Shape& s = both.shape();
  const std::int64_t half = both.elements() / 2;
  return Tensor(Shape{1, s[1] / 2, s[2], s[3]},
                std::vector<float>(both.data(), both.data() + half));
}

float to_unit(float value) {
  return std::clamp((value + 1) * 0.5f, 0.0f, 1.0f);
}

ImageModel vae_decoder(const Vae& vae) {
  return {.name = "vae decode",
          .weights = vae.weights,
          .build =
              [weights = vae.weights](std::int64_t height, std::int64_t width) {
                return models::build_vae_decoder(*weights, 1, height, width);
              },
          .before = image_of_planes,
          .after = [](const Tensor& image) { return each(image, to_unit); },
          .scale = {.to = vae.dimensions.scale()}};
}

ImageModel vae_encoder(const Vae& vae) {
  const models::VaeDimensions d = vae.dimensions;
  return {.name = "vae encode",
          .weights = vae.weights,
          .build =
              [weights = vae.weights](std::int64_t height, std::int64_t width) {
                return models::build_vae_encoder(*weights, 1, height, width);
              },
          .before =
              [d](const Tensor& image) {
                return each(whole_blocks(image, d.scale(), d.image_channels),
                            [](float value) { return value * 2 - 1; });
              },
          .after = means_of,
          .scale = {.of = d.scale()}};
}

// TAESD's decoder takes the latent as the U-Net sees it, bent to stay within -3…3.
ImageModel tiny_decoder(const Vae& vae) {
  const double scale = vae.tiny->latent_scale;
  return {.name = "taesd decode",
          .weights = vae.weights,
          .build =
              [weights = vae.weights](std::int64_t height, std::int64_t width) {
                return models::build_tiny_decoder(*weights, 1, height, width);
              },
          .before =
              [scale](const Tensor& planes) {
                return image_of_planes(each(planes, [scale](float value) {
                  return static_cast<float>(3 * std::tanh(value * scale / 3));
                }));
              },
          .after =
              [](const Tensor& image) {
                return each(image, [](float value) { return std::clamp(value, 0.0f, 1.0f); });
              },
          .scale = {.to = vae.dimensions.scale()}};
}

ImageModel tiny_encoder(const Vae& vae) {
  const models::VaeDimensions d = vae.dimensions;
  const float scale = vae.tiny->latent_scale;
  return {.name = "taesd encode",
          .weights = vae.tiny->encoder,
          .build =
              [weights = vae.tiny->encoder](std::int64_t height, std::int64_t width) {
                return models::build_tiny_encoder(*weights, 1, height, width);
              },
          .before =
              [d](const Tensor& image) { return whole_blocks(image, d.scale(), d.image_channels); },
          .after =
              [scale](const Tensor& latent) {
                return each(planes_of_image(latent),
                            [scale](float value) { return value / scale; });
              },
          .scale = {.of = d.scale()}};
}

}  // namespace

ImageModel decoder_of(const Vae& vae) {
  return vae.tiny ? tiny_decoder(vae) : vae_decoder(vae);
}

Result<ImageModel> encoder_of(const Vae& vae) {
  if (!vae.tiny) return vae_encoder(vae);
  if (vae.tiny->encoder == nullptr)
    return Error(ErrorKind::kInvalidInput, vae.file->name() + " only decodes");
  return tiny_encoder(vae);
}

Result<Tensor> decode_image(runtime::Session& session, const Vae& vae, const Tensor& latent,
                            const CancelToken& cancel) {
  return run(session, decoder_of(vae), latent, cancel);
}

Result<Tensor> encode_image(runtime::Session& session, const Vae& vae, const Tensor& image,
                            const CancelToken& cancel) {
  const Shape& s = image.shape();
  const std::int64_t scale = vae.dimensions.scale();
  if (s[1] < scale || s[2] < scale) {
    return Error(
        ErrorKind::kInvalidInput,
        fmt::format("an image of {}x{} is too small for the VAE, which wants at least {}x{}", s[2],
                    s[1], scale, scale));
  }
  OBSCURA_ASSIGN(ImageModel encoder, encoder_of(vae));
  return run(session, encoder, image, cancel);
}

}  // namespace obscura::pipeline
