#include "diffusion/samplers/lagrange.h"

namespace obscura::diffusion {

std::vector<double> lagrange_polynomial(std::span<const double> nodes, std::size_t j,
                                        double origin) {
  std::vector<double> polynomial = {1};
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (k == j) continue;
    // times (t - nodes[k]) / (nodes[j] - nodes[k])
    double root = nodes[k] - origin, scale = 1 / (nodes[j] - nodes[k]);
    polynomial.push_back(0);
    for (std::size_t p = polynomial.size() - 1; p > 0; --p) {
      polynomial[p] = scale * (polynomial[p - 1] - root * polynomial[p]);
    }
    polynomial[0] *= -root * scale;
  }
  return polynomial;
}

}  // namespace obscura::diffusion
