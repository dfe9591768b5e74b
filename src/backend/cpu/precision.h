// Matrix products in fewer bits than float32. Values between nodes stay float32: a kernel rounds
// its operands on the way in, and sums in float32 or int32.
//
// A rewrite of the graph says which node's (ir/products.h):
//
//   bf16  operands rounded to bfloat16.
//   int8  Linears over many rows: weights with a scale for each output channel, rows (tokens) with
//         a scale for each, both symmetric; everything else as bf16 where the CPU has that, else
//         float32.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace obscura::backend::cpu {

// The names of those that this CPU has instructions for, "fp32" first.
std::vector<std::string> available_precisions();
// Says of each node what its products are computed in. `precision` is one of
// available_precisions().
void round_products(ir::Graph& graph, const std::string& precision);

// y = x rounded to nearest, ties to even; NaN stays NaN.
void round_to_bf16(const float* x, std::int64_t count, std::uint16_t* y);

// q = round(x / scale) with scale = max |x| / 127 over the row (1 for a row of zeros): what one
// token is worth in int8.
void quantise_row(const float* x, std::int64_t count, std::int8_t* q, float* scale);

}  // namespace obscura::backend::cpu
