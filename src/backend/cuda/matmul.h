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

// D (rows, columns) = A (rows, depth) * B + bias + C, all row-major. Strides are in
// elements. In fp8, row r of A stands for a_scales[r] times its elements, column c of B for
// b_scales[c] times them.
struct MatmulShape {
  std::int64_t rows = 0, columns = 0, depth = 0;
  DType element = DType::kF16;      // of A and B; fp8 (F8_E4M3): see scales_rows()
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

// Pointers of one product; those that its shape has no use for are null.
struct MatmulOperands {
  const void* a = nullptr;
  const void* b = nullptr;
  const float* a_scales = nullptr;  // of fp8 elements: float32 (rows)
  const float* b_scales = nullptr;  // … and (columns)
  const void* bias = nullptr;
  const void* c = nullptr;
  void* d = nullptr;  // may be c
  void* workspace = nullptr;
};

// Whether fp8 products with a scale for each row and column exist here: Hopper, from cuBLASLt 12.9.
bool scales_rows(const cudaDeviceProp& properties, const Libraries& libraries);

class Matmul {
 public:
  // Asks the library for its algorithms and takes the one that Context::choose picks. kUnsupported
  // if there is none for the sizes and alignments.
  static Result<Matmul> create(Context& context, const MatmulShape& shape);
  Matmul(Matmul&&) noexcept = default;
  Matmul& operator=(Matmul&&) noexcept = default;

  std::size_t workspace_bytes() const { return workspace_bytes_; }
  const std::string& choice() const { return choice_; }
  Status run(const MatmulOperands& operands, cudaStream_t stream) const;

 private:
  struct Handles;
  Matmul() = default;
  Status launch(const cublasLtMatmulAlgo_t& algorithm, std::size_t workspace_bytes,
                const MatmulOperands& operands, cudaStream_t stream) const;
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
