// Kernels of token merging, ir/token_merge.h. Pointers are device memory, dense and row-major;
// every function only puts work on the stream, and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

// What a token is most like: a destination's number among the tokens, and the cosine, at least -1.
struct TokenMatch {
  std::int32_t destination;
  float cosine;
};

// The tokens of an image that may merge, and those that they may merge into, both ascending.
struct TokenLists {
  const std::int32_t* sources;
  const std::int32_t* destinations;
  std::int32_t source_count, destination_count;

  std::int32_t tokens() const { return source_count + destination_count; }
};

// inverse[i] = 1 / the length of row i of x (rows, width); 0 of nothing but zeros.
[[nodiscard]] cudaError_t inverse_lengths(Element element, const void* x, float* inverse,
                                          std::int64_t rows, std::int64_t width,
                                          cudaStream_t stream);

// matches[i] of the tokens first to first + count - 1, from their products (count, destinations)
// with all destinations, and the inverse lengths of all tokens. Of equals the first.
[[nodiscard]] cudaError_t match_by_products(const float* products, const float* inverse,
                                            const TokenLists& lists, std::int64_t first,
                                            std::int64_t count, TokenMatch* matches,
                                            cudaStream_t stream);

// MatchTokensOp::place() of one sample: places (tokens), from the matches of all tokens, of which
// those of sources count. REQUIRES: places are zeros.
[[nodiscard]] cudaError_t place_tokens(const TokenMatch* matches, const TokenLists& lists,
                                       std::int32_t merged, std::int32_t* places,
                                       cudaStream_t stream);

// y[n, r] = the mean of the tokens x[n, t] whose places[n, t] is r, in the order of tokens.
[[nodiscard]] cudaError_t mean_at_places(Element element, const void* x, const std::int32_t* places,
                                         void* y, std::int64_t samples, std::int64_t tokens,
                                         std::int64_t remaining, std::int64_t width,
                                         cudaStream_t stream);

}  // namespace obscura::backend::cuda
