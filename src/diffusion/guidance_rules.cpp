// The guidance functions that need products and norms an image at a time.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "base/parallel.h"
#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"

namespace obscura::diffusion {
namespace {

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i) sum += double{a.data()[i]} * b.data()[i];
  return sum;
}

double norm(const Tensor& a) {
  return std::sqrt(dot(a, a));
}

Tensor difference(const Tensor& a, const Tensor& b) {
  return weighted_sum({{1, a}, {-1, b}});
}

// `rule(i)` for each image i of a batch, put together.
template <class Rule>
Tensor for_each_image(const Tensor& batch, const Rule& rule) {
  std::vector<Tensor> images;
  for (std::int64_t i = 0; i < batch.shape()[0]; ++i) images.push_back(rule(i));
  return concatenate(images);
}

// Sums over the channels of (B, C, H, W), a value a pixel.
template <class Term>
std::vector<double> channel_sums(const Tensor& latent, const Term& term) {
  const Shape& s = latent.shape();
  const std::int64_t pixels = s[2] * s[3];
  std::vector<double> sums(static_cast<std::size_t>(s[0] * pixels));
  for (std::int64_t i = 0; i < latent.elements(); ++i)
    sums[static_cast<std::size_t>(i / (s[1] * pixels) * pixels + i % pixels)] += term(i);
  return sums;
}

}  // namespace

Tensor perpendicular_negative(const Tensor& cond, const Tensor& uncond, const Tensor& empty,
                              double scale, double negative_scale) {
  return for_each_image(cond, [&](std::int64_t i) {
    const Tensor nothing = empty.slice(i);
    const Tensor positive = difference(cond.slice(i), nothing);
    const Tensor negative = difference(uncond.slice(i), nothing);
    const double square = dot(positive, positive);
    const double common = square > 0 ? dot(negative, positive) / square : 0;
    return weighted_sum({{1, nothing},
                         {scale * (1 + negative_scale * common), positive},
                         {-scale * negative_scale, negative}});
  });
}

Tensor renormed_cfg(const Tensor& cond, const Tensor& uncond, double scale, double most) {
  return for_each_image(cond, [&](std::int64_t i) {
    const Tensor one = cond.slice(i), guided = cfg(one, uncond.slice(i), scale);
    const double limit = norm(one) * most, found = norm(guided);
    return found >= limit && found > 0 ? weighted_sum({{limit / found, guided}}) : guided;
  });
}

Tensor tangentially_damped(const Tensor& x, const Tensor& cond, const Tensor& uncond) {
  return for_each_image(cond, [&](std::int64_t i) {
    const Tensor at = x.slice(i);
    const Tensor c = difference(at, cond.slice(i)), u = difference(at, uncond.slice(i));
    // The larger eigenvector (p, q) of the rows' products gives the first right singular vector
    // as p u + q c, up to its length.
    const double uu = dot(u, u), cc = dot(c, c), uc = dot(u, c);
    const double largest = (uu + cc) / 2 + std::hypot((uu - cc) / 2, uc);
    double p = uc, q = largest - uu;
    if (std::hypot(p, q) < 1e-12 * largest) {
      p = uu >= cc ? 1 : 0;
      q = 1 - p;
    }
    const double square = p * p * uu + 2 * p * q * uc + q * q * cc;
    const double along = square > 0 ? (p * uu + q * uc) / square : 0;
    return weighted_sum({{1, at}, {-along * p, u}, {-along * q, c}});
  });
}

Tensor zero_star(const Tensor& x, const Tensor& cond, const Tensor& uncond, const Tensor& guided,
                 double scale) {
  return for_each_image(cond, [&](std::int64_t i) {
    const Tensor at = x.slice(i), negative = difference(at, uncond.slice(i));
    const double fit =
        dot(difference(at, cond.slice(i)), negative) / (dot(negative, negative) + 1e-8);
    return weighted_sum({{1, guided.slice(i)}, {(1 - fit) * (scale - 1), uncond.slice(i)}});
  });
}

Tensor norm_limited(const Tensor& cond, const Tensor& guided, double strength) {
  const Shape& s = cond.shape();
  const std::int64_t pixels = s[2] * s[3];
  auto squares = [](const Tensor& latent) {
    return channel_sums(
        latent, [&](std::int64_t i) { return double{latent.data()[i]} * latent.data()[i]; });
  };
  const std::vector<double> wanted = squares(cond), found = squares(guided);
  Tensor result(s);
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    auto p = static_cast<std::size_t>(i / (s[1] * pixels) * pixels + i % pixels);
    double factor = std::min(1.0, std::sqrt(wanted[p]) / (std::sqrt(found[p]) + 1e-8));
    result.data()[i] = static_cast<float>(guided.data()[i] * factor * strength);
  }
  return result;
}

Tensor mahiro(const Tensor& cond, const Tensor& uncond, const Tensor& guided, double scale) {
  auto root = [](double value) { return std::copysign(std::sqrt(std::fabs(value)), value); };
  return for_each_image(cond, [&](std::int64_t b) {
    const Tensor c = cond.slice(b), u = uncond.slice(b), g = guided.slice(b);
    auto negative = [&](std::int64_t i) { return root(u.data()[i] * scale); };
    auto merged = [&](std::int64_t i) { return root((c.data()[i] * scale + g.data()[i]) / 2); };
    auto square = [](double value) { return value * value; };
    const auto products = channel_sums(c, [&](std::int64_t i) { return negative(i) * merged(i); });
    const auto first = channel_sums(c, [&](std::int64_t i) { return square(negative(i)); });
    const auto second = channel_sums(c, [&](std::int64_t i) { return square(merged(i)); });
    double likeness = 0;
    for (std::size_t p = 0; p < products.size(); ++p) {
      likeness += products[p] / std::max(std::sqrt(first[p]) * std::sqrt(second[p]), 1e-8) /
                  static_cast<double>(products.size());
    }
    const double share = 2 * (likeness + 1) / 4;
    return weighted_sum({{share, g}, {(1 - share) * scale, c}});
  });
}

Tensor projected(const Tensor& cond, const Tensor& uncond, const Tensor& guidance, double scale,
                 double eta, double threshold) {
  return for_each_image(cond, [&](std::int64_t i) {
    const Tensor c = cond.slice(i), u = uncond.slice(i);
    Tensor g = guidance.slice(i);
    const double length = norm(g);
    if (threshold > 0 && length > threshold) g = weighted_sum({{threshold / length, g}});
    const double square = dot(c, c);
    const double along = square > 0 ? dot(g, c) / square : 0;
    return weighted_sum({{1 - 1 / scale, u}, {1, g}, {(eta - 1) * along + 1 / scale, c}});
  });
}

namespace {

using Complex = std::complex<double>;

// The discrete Fourier transform of `length` values `stride` apart, in place.
void transform(Complex* values, std::int64_t length, std::int64_t stride,
               const std::vector<Complex>& roots, bool inverse) {
  std::vector<Complex> result(static_cast<std::size_t>(length));
  for (std::int64_t k = 0; k < length; ++k) {
    Complex sum = 0;
    for (std::int64_t n = 0; n < length; ++n) {
      const Complex& root = roots[static_cast<std::size_t>(k * n % length)];
      sum += values[n * stride] * (inverse ? std::conj(root) : root);
    }
    result[static_cast<std::size_t>(k)] = inverse ? sum / static_cast<double>(length) : sum;
  }
  for (std::int64_t k = 0; k < length; ++k)
    values[k * stride] = result[static_cast<std::size_t>(k)];
}

std::vector<Complex> roots_of_unity(std::int64_t count) {
  std::vector<Complex> roots;
  for (std::int64_t k = 0; k < count; ++k)
    roots.push_back(std::polar(
        1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(count)));
  return roots;
}

// Whether frequency `k` of `length` lies in the middle 2 * cutoff of the shifted spectrum.
bool is_low(std::int64_t k, std::int64_t length, std::int64_t cutoff) {
  const std::int64_t centre = length / 2, place = (k + centre) % length;
  const std::int64_t reach = std::min(cutoff, centre);
  return place >= centre - reach && place < centre + reach;
}

}  // namespace

Tensor scaled_frequencies(const Tensor& planes, double low, double high, std::int64_t cutoff) {
  const Shape& s = planes.shape();
  const std::int64_t h = s[2], w = s[3];
  const std::vector<Complex> rows = roots_of_unity(w), columns = roots_of_unity(h);
  Tensor result(s);
  parallel_for(s[0] * s[1], [&](std::int64_t p) {
    const float* from = planes.data() + p * h * w;
    std::vector<Complex> values(from, from + h * w);
    for (std::int64_t y = 0; y < h; ++y) transform(&values[y * w], w, 1, rows, false);
    for (std::int64_t x = 0; x < w; ++x) transform(&values[x], h, w, columns, false);
    for (std::int64_t i = 0; i < h * w; ++i)
      values[i] *= is_low(i / w, h, cutoff) && is_low(i % w, w, cutoff) ? low : high;
    for (std::int64_t x = 0; x < w; ++x) transform(&values[x], h, w, columns, true);
    for (std::int64_t y = 0; y < h; ++y) transform(&values[y * w], w, 1, rows, true);
    for (std::int64_t i = 0; i < h * w; ++i)
      result.data()[p * h * w + i] = static_cast<float>(values[i].real());
  });
  return result;
}

}  // namespace obscura::diffusion
