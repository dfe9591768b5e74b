// What linear, convolution, attention and the loading of weights need beside the libraries: entry
// points of the .cu files here. Pointers are device memory, dense and row-major; every function
// only puts work on the stream, and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

// Declared in ir/activation.h, which .cu files include only where they need its names.
namespace obscura::ir {
enum class Activation;
}

namespace obscura::backend::cuda {

// target[i] = source[i], rounded to nearest. `from` may be any floating type that checkpoints
// store: F32, F16, BF16, F64, F8_E4M3, F8_E5M2; `to` F32, F16 or BF16.
[[nodiscard]] cudaError_t convert(DType from, const void* source, DType to, void* target,
                                  std::int64_t count, cudaStream_t stream);

// A filter (out, in, pixels) -> (out, pixels, in_padded), zero where in_padded > in.
[[nodiscard]] cudaError_t filter_to_channels_last(Element element, const void* source, void* target,
                                                  std::int64_t out, std::int64_t in,
                                                  std::int64_t pixels, std::int64_t in_padded,
                                                  cudaStream_t stream);

// What a convolution does to its input: y = x * scale[n, c] + shift[n, c] (scale_shift float32
// (N, 2, C), or null), SiLU if `silu`, each pixel doubled in both directions if `upsample`, and
// zero channels up to `channels_padded`. x (N, H, W, C) -> y (N, H', W', channels_padded).
[[nodiscard]] cudaError_t prepare_image(Element element, const void* x, const float* scale_shift,
                                        bool silu, bool upsample, void* y, std::int64_t samples,
                                        std::int64_t height, std::int64_t width,
                                        std::int64_t channels, std::int64_t channels_padded,
                                        cudaStream_t stream);

// y (samples, pixels, channels) += bias[c] + channel_add[n, c] + residual[n, p, c], each of them
// optional (null). y's rows are `row_stride` elements apart; `residual` and `target` are dense.
// `target` may be y where row_stride == channels.
[[nodiscard]] cudaError_t finish_image(Element element, const void* y, std::int64_t row_stride,
                                       const void* bias, const void* channel_add,
                                       const void* residual, void* target, std::int64_t samples,
                                       std::int64_t pixels, std::int64_t channels,
                                       cudaStream_t stream);

// x = activation(x) + residual (null: none), in place.
[[nodiscard]] cudaError_t activate(Element element, ir::Activation activation, void* x,
                                   const void* residual, std::int64_t count, cudaStream_t stream);

// target[n, c] = bias[c] + channel_add[n, c]; each may be null (zero).
[[nodiscard]] cudaError_t combine_bias(Element element, const void* bias, const void* channel_add,
                                       void* target, std::int64_t samples, std::int64_t channels,
                                       cudaStream_t stream);

// Rows of attention scores: of head r / rows_per_head, of query first_row + r % rows_per_head.
struct SoftmaxRows {
  const float* scores = nullptr;
  std::int64_t rows = 0, columns = 0;
  float scale = 1;
  bool causal = false;  // a row sees the columns up to its own query's number
  std::int64_t first_row = 0, rows_per_head = 1;
  // A row of columns for each head and query, or null: numbers of the probabilities' type that are
  // added to the scaled scores, else int32, 0 where the column is not seen. Strides in elements; 0
  // where it repeats.
  const void* mask = nullptr;
  bool mask_adds = false;
  std::int64_t mask_head_stride = 0, mask_query_stride = 0;
};

// probabilities[r, c] = softmax over c of scale * scores[r, c], masked; zeros for a row that sees
// nothing.
[[nodiscard]] cudaError_t softmax_rows(Element element, const SoftmaxRows& rows,
                                       void* probabilities, cudaStream_t stream);

// *flag = 1 if any element is NaN or infinite; otherwise leaves it.
[[nodiscard]] cudaError_t find_non_finite(Element element, const void* x, std::int64_t count,
                                          std::int32_t* flag, cudaStream_t stream);

}  // namespace obscura::backend::cuda
