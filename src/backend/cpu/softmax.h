// The softmax of a row of attention scores, without its division.
#pragma once

#include <cstdint>

namespace obscura::backend::cpu {

// x = e^(scale * (x - max x)), in place; returns the sum, by which the row is still to be divided.
float softmax_numerators(float* x, std::int64_t count, float scale);

}  // namespace obscura::backend::cpu
