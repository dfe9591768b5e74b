// The one product that adapters are made of.
#pragma once

#include <cstdint>

namespace obscura::adapter {

// c += scale * a b for row-major float32 matrices a (rows, inner), b (inner, columns) and
// c (rows, columns), none overlapping. Runs on all threads; every element is summed in the order of
// the inner axis, so that the result does not depend on how many there are.
void add_product(std::int64_t rows, std::int64_t columns, std::int64_t inner, float scale,
                 const float* a, const float* b, float* c);

}  // namespace obscura::adapter
