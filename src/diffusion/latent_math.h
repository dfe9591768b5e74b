// Arithmetic on latents. Nearly every formula of a sampler is a weighted sum of latents with
// scalars worked out in double:
//
//   x = weighted_sum({{sigma_next / sigma, x}, {-std::expm1(-h), x0}});
#pragma once

#include <initializer_list>
#include <span>

#include "tensor/tensor.h"

namespace obscura::diffusion {

struct Term {
  double weight;
  const Tensor& latent;
};

// Sum of weight * latent, in double, rounded to float32 once. A term of weight 0 counts as nothing,
// even where its latent holds an infinity. REQUIRES: at least one term, all of one shape.
Tensor weighted_sum(std::span<const Term> terms);
inline Tensor weighted_sum(std::initializer_list<Term> terms) {
  return weighted_sum(std::span(terms.begin(), terms.size()));
}

// left * right, element by element. REQUIRES: equal shapes.
Tensor product(const Tensor& left, const Tensor& right);

}  // namespace obscura::diffusion
