// The calls of cuBLASLt that the backend makes, by their definition: a library of its own, opened
// like NVIDIA's. Matrices are column-major, as there.
#include <cublasLt.h>

#include <algorithm>

#include "backend/cuda/emulation/library.h"
#include "backend/cuda/emulation/runtime.h"

namespace emulation = obscura::test::emulation;
using emulation::Array;
using emulation::Attributes;
using obscura::DType;

namespace {

// Of each product, as if there were a choice.
constexpr int kAlgorithms = 2;

template <class Handle>
cublasStatus_t make(Handle* made) {
  *made = reinterpret_cast<Handle>(new Attributes());
  return CUBLAS_STATUS_SUCCESS;
}

template <class Handle>
Attributes& attributes(Handle handle) {
  return *reinterpret_cast<Attributes*>(handle);
}

template <class Handle>
cublasStatus_t destroy(Handle handle) {
  delete &attributes(handle);
  return CUBLAS_STATUS_SUCCESS;
}

template <class Handle>
cublasStatus_t keep(Handle handle, int name, const void* value, std::size_t bytes) {
  attributes(handle).set(name, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

DType dtype_of(std::int32_t type) {
  switch (type) {
    case CUDA_R_16F:
      return DType::kF16;
    case CUDA_R_16BF:
      return DType::kBF16;
    case CUDA_R_8F_E4M3:
      return DType::kF8E4M3;
    default:
      return DType::kF32;
  }
}

// (batch, columns, rows)
Array matrix(cublasLtMatrixLayout_t layout, const void* data, const char* name) {
  const Attributes& m = attributes(layout);
  Array array{dtype_of(m.one<std::int32_t>(CUBLASLT_MATRIX_LAYOUT_TYPE)),
              const_cast<void*>(data),
              {m.one_or<std::int32_t>(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 1),
               m.one<std::int64_t>(CUBLASLT_MATRIX_LAYOUT_COLS),
               m.one<std::int64_t>(CUBLASLT_MATRIX_LAYOUT_ROWS)},
              {m.one_or<std::int64_t>(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 0),
               m.one<std::int64_t>(CUBLASLT_MATRIX_LAYOUT_LD), 1}};
  emulation::expect_on_device(data, array.bytes(), name);
  return array;
}

// `result` = alpha * left * right, scaled, + beta * `addend` + bias, by columns.
struct Product {
  Attributes how;
  Array left, right, addend, result;
  float alpha, beta;

  // A vector of the product's rows or columns: `otherwise` of each if there is none.
  std::vector<float> vector(int name, DType dtype, std::int64_t count, float otherwise) const {
    if (!how.has(name)) return std::vector<float>(static_cast<std::size_t>(count), otherwise);
    return emulation::load({dtype, how.one<void*>(name), {count}, {1}});
  }

  void run() const {
    const std::int64_t columns = result.dims[1], rows = result.dims[2];
    const auto left_scales = vector(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, DType::kF32, rows, 1);
    const auto right_scales = vector(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, DType::kF32, columns, 1);
    std::vector<float> bias(static_cast<std::size_t>(rows), 0);
    if (how.one_or(CUBLASLT_MATMUL_DESC_EPILOGUE, 0) == CUBLASLT_EPILOGUE_BIAS)
      bias = vector(CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                    dtype_of(how.one<std::int32_t>(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE)), rows, 0);
    auto sums = emulation::product(emulation::load(right), emulation::load(left), columns, rows,
                                   right.dims[2]);
    const auto added = beta != 0 ? emulation::load(addend) : std::vector<float>(sums.size(), 0);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const std::size_t row = i % bias.size(), column = i / bias.size() % right_scales.size();
      sums[i] =
          alpha * sums[i] * left_scales[row] * right_scales[column] + beta * added[i] + bias[row];
    }
    emulation::store(sums, result);
  }
};

}  // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return make(handle);
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return destroy(handle);
}
std::size_t cublasLtGetVersion() {
  return CUBLAS_VER_MAJOR * 10000 + CUBLAS_VER_MINOR * 100 + CUBLAS_VER_PATCH;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t,
                                        cudaDataType_t) {
  return make(made);
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  return destroy(desc);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t name,
                                              const void* value, std::size_t bytes) {
  return keep(desc, name, value, bytes);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t stride) {
  make(made);
  keep(*made, CUBLASLT_MATRIX_LAYOUT_TYPE, &type, sizeof type);
  keep(*made, CUBLASLT_MATRIX_LAYOUT_ROWS, &rows, sizeof rows);
  keep(*made, CUBLASLT_MATRIX_LAYOUT_COLS, &columns, sizeof columns);
  return keep(*made, CUBLASLT_MATRIX_LAYOUT_LD, &stride, sizeof stride);
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy(layout);
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t name,
                                                const void* value, std::size_t bytes) {
  return keep(layout, name, value, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  return make(made);
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy(preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                    cublasLtMatmulPreferenceAttributes_t,
                                                    const void*, std::size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int most,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* found) {
  for (*found = 0; *found < std::min(most, kAlgorithms); ++*found) {
    results[*found] = {};
    results[*found].workspaceSize = emulation::kWorkspaceBytes;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t*,
                              void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
  Product product{attributes(desc),
                  matrix(a_layout, a, "A of a product"),
                  matrix(b_layout, b, "B of a product"),
                  matrix(c_layout, c, "C of a product"),
                  matrix(d_layout, d, "D of a product"),
                  *static_cast<const float*>(alpha),
                  *static_cast<const float*>(beta)};
  if (product.how.one_or(CUBLASLT_MATMUL_DESC_TRANSA, 0) != CUBLAS_OP_T)
    product.left = product.left.ordered({0, 2, 1});
  for (const Array* operand : {&product.left, &product.right})
    emulation::expect_apart(operand->data, operand->bytes(), d, product.result.bytes(),
                            "a product's operand");
  emulation::expect_on_device(workspace, workspace_bytes, "a product's workspace");
  const cudaError_t error = emulation::enqueue(stream, [product, workspace] {
    emulation::use_workspace(workspace);
    product.run();
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
