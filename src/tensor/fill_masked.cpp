#include "tensor/fill_masked.h"

#include <vector>

#include "base/check.h"
#include "tensor/resize.h"

namespace obscura {
namespace {

constexpr float kNothingKnown = 0.5F;

// Colours times how far they are known, and behind them how far that is: (1, H, W, C + 1).
Tensor weighted_pixels(const Tensor& pixels, const Tensor& mask) {
  const std::int64_t height = pixels.shape()[0], width = pixels.shape()[1],
                     channels = pixels.shape()[2];
  Tensor weighted = Tensor::filled(Shape{1, height, width, channels + 1}, 0.0F);
  for (std::int64_t i = 0; i < height * width; ++i) {
    const float known = 1 - mask.data()[i];
    float* out = weighted.data() + i * (channels + 1);
    for (std::int64_t c = 0; c < channels; ++c) out[c] = pixels.data()[i * channels + c] * known;
    out[channels] = known;
  }
  return weighted;
}

// The level's own colours over those of the coarser one: (1, H, W, C).
Tensor over(const Tensor& level, const Tensor& coarser) {
  const std::int64_t height = level.shape()[1], width = level.shape()[2],
                     channels = level.shape()[3] - 1;
  Tensor filled = resize_image(coarser, width, height, ResizeMethod::kBilinear);
  for (std::int64_t i = 0; i < height * width; ++i) {
    const float* own = level.data() + i * (channels + 1);
    float* out = filled.data() + i * channels;
    for (std::int64_t c = 0; c < channels; ++c) out[c] = own[c] + out[c] * (1 - own[channels]);
  }
  return filled;
}

// Of all that is known: (1, 1, 1, C).
Tensor mean_colour(const Tensor& coarsest) {
  const std::int64_t channels = coarsest.shape()[3] - 1;
  Tensor mean = Tensor::filled(Shape{1, 1, 1, channels}, kNothingKnown);
  const float known = coarsest.data()[channels];
  for (std::int64_t c = 0; known > 0 && c < channels; ++c)
    mean.data()[c] = coarsest.data()[c] / known;
  return mean;
}

}  // namespace

Tensor fill_masked(const Tensor& pixels, const Tensor& mask) {
  OBSCURA_CHECK(pixels.shape().rank() == 3 && mask.shape().rank() == 2 &&
                    pixels.shape()[0] == mask.shape()[0] && pixels.shape()[1] == mask.shape()[1],
                "fill_masked wants an image and a mask of its size");
  std::vector<Tensor> levels = {weighted_pixels(pixels, mask)};
  while (levels.back().shape()[1] > 1 || levels.back().shape()[2] > 1) {
    const Tensor& level = levels.back();
    levels.push_back(resize_image(level, (level.shape()[2] + 1) / 2, (level.shape()[1] + 1) / 2,
                                  ResizeMethod::kArea));
  }
  Tensor filled = mean_colour(levels.back());
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) filled = over(*level, filled);
  return filled.reshaped(pixels.shape());
}

}  // namespace obscura
