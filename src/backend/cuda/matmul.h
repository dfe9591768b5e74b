// One matrix product by cuBLASLt, for fixed sizes: the engine of Linear, 1x1 convolutions and
// attention over large heads.
#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <memory>
#include <string>

#include "backend/cuda/context.h"
#include "base/result.h"
#include "tensor/dtype.h"

namespace obscura::backend::cuda {

// D (rows, columns) = alpha * A (rows, depth) * B + bias + C, all row-major. Strides are in
// elements.
struct MatmulShape {
  std::int64_t rows = 0, columns = 0, depth = 0;
  DType element = DType::kF16;      // of A and B
  DType result = DType::kF16;       // of C, D and the bias
  bool b_depth_by_columns = false;  // B is (depth, columns); otherwise (columns, depth)
  bool bias = false;                // (columns)
  bool add_c = false;
  std::int64_t a_stride = 0, b_stride = 0, d_stride = 0;  // of rows; 0: dense. C's is D's.
  std::int64_t batch = 1;
  std::int64_t a_batch = 0, b_batch = 0, d_batch = 0;
  std::int64_t alignment = 256;  // bytes, of every pointer

  std::string text() const;
};

class Matmul {
 public:
  // Asks the library for its algorithms and takes the one that Context::choose picks. kUnsupported
  // if there is none for the sizes and alignments.
  static Result<Matmul> create(Context& context, const MatmulShape& shape);
  Matmul(Matmul&&) noexcept = default;
  Matmul& operator=(Matmul&&) noexcept = default;

  std::size_t workspace_bytes() const { return workspace_bytes_; }
  const std::string& choice() const { return choice_; }
  // `c` and `bias` are null where the shape has none. `d` may be `c`.
  Status run(const void* a, const void* b, const void* bias, const void* c, void* d, float alpha,
             void* workspace, cudaStream_t stream) const;

 private:
  struct Handles;
  Matmul() = default;
  Status launch(const cublasLtMatmulAlgo_t& algorithm, std::size_t workspace_bytes, const void* a,
                const void* b, const void* bias, const void* c, void* d, float alpha,
                void* workspace, cudaStream_t stream) const;
  // Milliseconds of one run on memory of its own; infinite if it does not run.
  float time(const cublasLtMatmulHeuristicResult_t& candidate) const;

  Context* context_ = nullptr;
  MatmulShape shape_;
  std::shared_ptr<Handles> handles_;
  cublasLtMatmulAlgo_t algorithm_{};
  std::size_t workspace_bytes_ = 0;
  std::string choice_;
};

}  // namespace obscura::backend::cuda
