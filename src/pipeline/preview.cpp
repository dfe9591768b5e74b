#include "pipeline/preview.h"

#include <algorithm>
#include <cmath>

#include "checkpoint/kinds/vae.h"
#include "pipeline/image_codec.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

constexpr std::int64_t kThumbnail = 16;  // latent pixels
constexpr std::int64_t kLargestSide = 512;

// The larger side becomes `side`.
std::pair<std::int64_t, std::int64_t> fit_into(std::int64_t height, std::int64_t width,
                                               std::int64_t side) {
  double scale = static_cast<double>(side) / static_cast<double>(std::max(height, width));
  auto scaled = [&](std::int64_t size) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(size) * scale));
  };
  return {scaled(height), scaled(width)};
}

// Solves a x = b for a symmetric positive definite matrix, by elimination; b and the result have
// three columns.
std::vector<std::array<double, 3>> solve(std::vector<std::vector<double>> a,
                                         std::vector<std::array<double, 3>> b) {
  std::size_t size = a.size();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t row = i + 1; row < size; ++row) {
      double factor = a[row][i] / a[i][i];
      for (std::size_t column = i; column < size; ++column) a[row][column] -= factor * a[i][column];
      for (std::size_t c = 0; c < 3; ++c) b[row][c] -= factor * b[i][c];
    }
  }
  for (std::size_t i = size; i-- > 0;) {
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t column = i + 1; column < size; ++column)
        b[i][c] -= a[i][column] * b[column][c];
      b[i][c] /= a[i][i];
    }
  }
  return b;
}

}  // namespace

Previewer::Previewer(runtime::Session& session, std::shared_ptr<const DiffusionModel> model,
                     std::shared_ptr<const Vae> taesd)
    : session_(session), taesd_(std::move(taesd)) {
  if (taesd_ != nullptr) return;
  auto weights = ModelFile::weights(model->file, checkpoint::kVae);
  if (weights == nullptr) return;
  auto dimensions = models::vae_dimensions(*weights);
  if (dimensions.ok()) vae_ = Vae{model->file, weights, *dimensions, {}};
}

Result<Previewer::Colours> Previewer::fit(const Tensor& latent, const CancelToken& cancel) const {
  const Shape& s = latent.shape();
  auto [height, width] = fit_into(s[2], s[3], kThumbnail);
  Tensor small = resize(latent, width, height, ResizeMethod::kArea);
  OBSCURA_ASSIGN(Tensor image, decode_image(session_, *vae_, small, cancel));
  Tensor colours = planes_of_image(resize_image(image, width, height, ResizeMethod::kArea));

  auto channels = static_cast<std::size_t>(s[1]), pixels = static_cast<std::size_t>(height * width);
  std::vector<std::vector<double>> normal(channels + 1, std::vector<double>(channels + 1));
  Colours right(channels + 1);
  auto feature = [&](std::size_t i, std::size_t p) {
    return i == channels ? 1.0 : small.data()[i * pixels + p];
  };
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t i = 0; i <= channels; ++i) {
      for (std::size_t j = 0; j <= channels; ++j) normal[i][j] += feature(i, p) * feature(j, p);
      for (std::size_t c = 0; c < 3; ++c)
        right[i][c] += feature(i, p) * colours.data()[c * pixels + p];
    }
  }
  // A little of the identity keeps a flat latent, which determines nothing, from dividing by zero.
  for (std::size_t i = 0; i <= channels; ++i) normal[i][i] += 1e-3 * static_cast<double>(pixels);
  return solve(std::move(normal), std::move(right));
}

Tensor Previewer::coloured(const Tensor& first) const {
  const Shape& s = first.shape();
  std::int64_t pixels = s[2] * s[3];
  Tensor image(Shape{1, s[2], s[3], 3});
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < 3; ++c) {
      double value = colours_.back()[c];
      for (std::int64_t i = 0; i < s[1]; ++i)
        value += colours_[static_cast<std::size_t>(i)][c] * first.data()[i * pixels + p];
      image.data()[p * 3 + static_cast<std::int64_t>(c)] =
          static_cast<float>(std::clamp(value, 0.0, 1.0));
    }
  }
  return image;
}

Result<std::optional<Tensor>> Previewer::preview(const Tensor& latent, const CancelToken& cancel) {
  if (!vae_ && taesd_ == nullptr) return std::optional<Tensor>();
  const Tensor first = latent.slice(0);
  Tensor image;
  if (taesd_ != nullptr) {
    OBSCURA_ASSIGN(image, decode_image(session_, *taesd_, first, cancel));
  } else {
    if (colours_.empty()) {
      OBSCURA_ASSIGN(colours_, fit(first, cancel));
    }
    image = coloured(first);
  }
  const Shape& s = first.shape();
  const std::int64_t scale = (taesd_ ? taesd_->dimensions : vae_->dimensions).scale();
  const std::int64_t side = std::min(kLargestSide, std::max(s[2], s[3]) * scale);
  auto [height, width] = fit_into(s[2], s[3], side);
  if (image.shape()[1] == height && image.shape()[2] == width) return std::optional(image);
  return std::optional<Tensor>(resize_image(image, width, height, ResizeMethod::kBilinear));
}

}  // namespace obscura::pipeline
