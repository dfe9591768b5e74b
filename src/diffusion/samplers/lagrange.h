// Interpolating polynomials, for the multistep methods.
#pragma once

#include <span>
#include <vector>

namespace obscura::diffusion {

// The polynomial that is 1 at nodes[j] and 0 at the other nodes, as coefficients of the powers of
// (t - origin), constant first. REQUIRES: different nodes.
std::vector<double> lagrange_polynomial(std::span<const double> nodes, std::size_t j,
                                        double origin);

}  // namespace obscura::diffusion
