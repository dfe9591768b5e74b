// The product of two thin matrices that is nearest to a matrix: what a LoRA keeps of a difference.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace obscura::adapter {

// The rows of `down` are at right angles as far as float32 can tell their singular values from
// zero.
struct LowRankFit {
  Tensor up;    // (rows, rank), the singular values among it
  Tensor down;  // (rank, columns), rows of length 1
};

// Of `matrix` (rows, columns), by a randomised singular value decomposition: Halko, Martinsson and
// Tropp, arXiv:0909.4061, algorithm 4.4 with ten dimensions more than wanted and four turns of the
// power iteration. The same matrix gives the same bits. REQUIRES: 1 <= rank <= both sides.
LowRankFit fit_low_rank(const Tensor& matrix, std::int64_t rank);

}  // namespace obscura::adapter
