#include "diffusion/latent_math.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace obscura::diffusion {

Tensor weighted_sum(std::span<const Term> terms) {
  OBSCURA_CHECK(!terms.empty(), "a sum of no latents");
  const Shape& shape = terms[0].latent.shape();
  for (const Term& term : terms) {
    OBSCURA_CHECK(term.latent.shape() == shape, "[weighted_sum] latents of " + shape.text() +
                                                    " and " + term.latent.shape().text());
  }
  Tensor result(shape);
  // In pieces that stay in the first-level cache: a latent of any size is then read once.
  constexpr std::int64_t kPiece = 1024;
  std::array<double, kPiece> sums;
  for (std::int64_t begin = 0; begin < result.elements(); begin += kPiece) {
    std::int64_t count = std::min(kPiece, result.elements() - begin);
    std::fill_n(sums.begin(), count, 0.0);
    for (const Term& term : terms) {
      if (term.weight == 0) continue;
      const float* source = term.latent.data() + begin;
      for (std::int64_t i = 0; i < count; ++i) sums[i] += term.weight * source[i];
    }
    std::copy_n(sums.begin(), count, result.data() + begin);
  }
  return result;
}

Tensor product(const Tensor& left, const Tensor& right) {
  OBSCURA_CHECK(left.shape() == right.shape(),
                "[product] latents of " + left.shape().text() + " and " + right.shape().text());
  Tensor result(left.shape());
  std::transform(left.values().begin(), left.values().end(), right.values().begin(),
                 result.values().begin(), std::multiplies<float>());
  return result;
}

}  // namespace obscura::diffusion
