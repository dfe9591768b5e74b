#include "diffusion/guidance.h"

#include <cmath>
#include <vector>

#include "base/check.h"
#include "diffusion/latent_math.h"

namespace obscura::diffusion {
namespace {

// The sample standard deviation of each image.
std::vector<double> deviations(const Tensor& latent) {
  std::int64_t images = latent.shape()[0], count = latent.elements() / images;
  std::vector<double> result;
  for (std::int64_t i = 0; i < images; ++i) {
    const float* values = latent.data() + i * count;
    double mean = 0, squares = 0;
    for (std::int64_t k = 0; k < count; ++k) mean += values[k];
    mean /= static_cast<double>(count);
    for (std::int64_t k = 0; k < count; ++k) squares += (values[k] - mean) * (values[k] - mean);
    result.push_back(std::sqrt(squares / static_cast<double>(count - 1)));
  }
  return result;
}

}  // namespace

Tensor cfg(const Tensor& cond_x0, const Tensor& uncond_x0, double scale) {
  return weighted_sum({{scale, cond_x0}, {1 - scale, uncond_x0}});
}

Tensor rescaled(const Tensor& guided, const Tensor& like, double multiplier) {
  OBSCURA_CHECK(guided.shape()[0] > 0 && guided.elements() > guided.shape()[0],
                "[rescaled] a latent without a deviation");
  std::vector<double> wanted = deviations(like), found = deviations(guided);
  std::vector<Tensor> images;
  for (std::int64_t i = 0; i < guided.shape()[0]; ++i) {
    auto k = static_cast<std::size_t>(i);
    double factor = found[k] > 0 ? multiplier * wanted[k] / found[k] + (1 - multiplier) : 1;
    images.push_back(weighted_sum({{factor, guided.slice(i)}}));
  }
  return concatenate(images);
}

Tensor rescaled_cfg(const Tensor& x, double sigma, const Tensor& cond_x0, const Tensor& uncond_x0,
                    double scale, double multiplier) {
  double variance = sigma * sigma + 1, root = std::sqrt(variance);
  // v = (x / (sigma^2 + 1) - x0) * sqrt(sigma^2 + 1) / sigma
  auto velocity = [&](const Tensor& x0) {
    return weighted_sum({{1 / (root * sigma), x}, {-root / sigma, x0}});
  };
  Tensor cond_v = velocity(cond_x0);
  Tensor v = rescaled(cfg(cond_v, velocity(uncond_x0), scale), cond_v, multiplier);
  return weighted_sum({{1 / variance, x}, {-sigma / root, v}});
}

}  // namespace obscura::diffusion
