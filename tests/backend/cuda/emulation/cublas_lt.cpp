// The part of cuBLASLt that the backend calls, as NVIDIA documents it, computed on the CPU: a
// library of its own, opened like NVIDIA's. Matrices are column-major, as there.
#include <cublasLt.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backend/cuda/emulation/elements.h"
#include "backend/cuda/emulation/memory.h"
#include "backend/cuda/emulation/runtime.h"

using obscura::DType;
namespace emulation = obscura::test::emulation;

namespace {

constexpr std::size_t kWorkspaceBytes = 1000;
// Of each product, as if there were a choice.
constexpr int kAlgorithms = 2;

struct Matrix {
  DType dtype = DType::kF32;
  std::int64_t rows = 0, columns = 0, stride = 0;
  std::int32_t batch = 1;
  std::int64_t batch_stride = 0;
};

struct Product {
  std::int32_t transpose_a = CUBLAS_OP_N;
  std::int32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  std::int32_t bias_type = -1, a_scale_mode = -1, b_scale_mode = -1;
  const void* bias = nullptr;
  const float* a_scales = nullptr;
  const float* b_scales = nullptr;
};

struct Preference {
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // A, B, C, D
};

DType dtype_of(std::int32_t type) {
  switch (type) {
    case CUDA_R_32F:
      return DType::kF32;
    case CUDA_R_16F:
      return DType::kF16;
    case CUDA_R_16BF:
      return DType::kBF16;
    case CUDA_R_8F_E4M3:
      return DType::kF8E4M3;
    default:
      emulation::die(fmt::format("cuBLASLt: element type {}", type));
  }
}

template <class T>
T read(const void* value, std::size_t bytes) {
  if (bytes != sizeof(T)) emulation::die(fmt::format("cuBLASLt: an attribute of {} bytes", bytes));
  T result;
  std::memcpy(&result, value, sizeof(T));
  return result;
}

template <class T, class Handle>
T& as(Handle handle) {
  return *reinterpret_cast<T*>(const_cast<void*>(static_cast<const void*>(handle)));
}

std::int64_t bytes_of(const Matrix& m) {
  return ((m.columns - 1) * m.stride + m.rows + (m.batch - 1) * m.batch_stride) *
         static_cast<std::int64_t>(obscura::size_of(m.dtype));
}

void expect_matrix(const Matrix& m, const void* data, std::size_t alignment, const char* name) {
  emulation::expect_on_device(data, static_cast<std::size_t>(bytes_of(m)), name);
  if (reinterpret_cast<std::uintptr_t>(data) % alignment != 0)
    emulation::die(fmt::format("cuBLASLt: matrix {} is not aligned to {}", name, alignment));
}

// Column by column of one matrix of a batch.
std::vector<float> elements(const Matrix& m, const void* data, std::int32_t batch,
                            bool transposed) {
  const auto* first = static_cast<const std::byte*>(data) +
                      batch * m.batch_stride * static_cast<std::int64_t>(size_of(m.dtype));
  if (transposed) return emulation::load(m.dtype, first, {m.rows, m.columns}, {1, m.stride});
  return emulation::load(m.dtype, first, {m.columns, m.rows}, {m.stride, 1});
}

struct Call {
  Product product;
  Matrix a, b, d;
  const void *a_data, *b_data, *c_data;
  void *d_data, *workspace;
  std::uint64_t workspace_bytes;
  float alpha, beta;

  std::int64_t depth() const { return product.transpose_a == CUBLAS_OP_T ? a.rows : a.columns; }

  void run() const {
    std::memset(workspace, 0xff, workspace_bytes);  // it is ours
    for (std::int32_t n = 0; n < d.batch; ++n) run_one(n);
  }

  void run_one(std::int32_t n) const {
    // op(A) row by row, B column by column.
    const auto rows = elements(a, a_data, n, product.transpose_a == CUBLAS_OP_N);
    const auto columns = elements(b, b_data, n, false);
    auto result = beta != 0 ? elements(d, c_data, n, false)
                            : std::vector<float>(static_cast<std::size_t>(d.rows * d.columns));
    std::vector<float> bias(static_cast<std::size_t>(d.rows), 0.0f);
    if (product.epilogue == CUBLASLT_EPILOGUE_BIAS)
      bias = emulation::load(dtype_of(product.bias_type), product.bias, {d.rows}, {1});
    const std::int64_t k = depth();
    for (std::int64_t j = 0; j < d.columns; ++j) {
      for (std::int64_t i = 0; i < d.rows; ++i) {
        float sum = emulation::dot(rows.data() + i * k, columns.data() + j * k, k);
        if (product.a_scale_mode >= 0) sum *= product.a_scales[i];
        if (product.b_scale_mode >= 0) sum *= product.b_scales[j];
        float& element = result[static_cast<std::size_t>(j * d.rows + i)];
        element =
            alpha * sum + (beta != 0 ? beta * element : 0) + bias[static_cast<std::size_t>(i)];
      }
    }
    auto* target = static_cast<std::byte*>(d_data) +
                   n * d.batch_stride * static_cast<std::int64_t>(size_of(d.dtype));
    emulation::store(d.dtype, result, target, {d.columns, d.rows}, {d.stride, 1});
  }
};

bool fits(const Product& product, const Matrix& a, const Matrix& b, const Matrix& d) {
  std::int64_t depth = product.transpose_a == CUBLAS_OP_T ? a.rows : a.columns;
  std::int64_t rows = product.transpose_a == CUBLAS_OP_T ? a.columns : a.rows;
  bool fp8 = a.dtype == DType::kF8E4M3;
  // Products in fp8 are of transposed A, of sides that are multiples of 16.
  if (fp8 && (product.transpose_a != CUBLAS_OP_T || depth % 16 != 0 || d.rows % 16 != 0))
    return false;
  return a.dtype == b.dtype && rows == d.rows && b.columns == d.columns && b.rows == depth &&
         a.batch == b.batch && b.batch == d.batch && a.stride >= a.rows && b.stride >= b.rows &&
         d.stride >= d.rows;
}

}  // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(new int());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<int*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}

std::size_t cublasLtGetVersion() {
  return CUBLAS_VER_MAJOR * 10000 + CUBLAS_VER_MINOR * 100 + CUBLAS_VER_PATCH;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Product());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  delete &as<Product>(desc);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  Product& product = as<Product>(desc);
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      product.transpose_a = read<std::int32_t>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      product.epilogue = read<std::int32_t>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      product.bias_type = read<std::int32_t>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      product.bias = read<const void*>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
#if CUDART_VERSION >= 12090
    case CUBLASLT_MATMUL_DESC_A_SCALE_MODE:
      product.a_scale_mode = read<std::int32_t>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_B_SCALE_MODE:
      product.b_scale_mode = read<std::int32_t>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER:
      product.a_scales = read<const float*>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER:
      product.b_scales = read<const float*>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM:
      read<std::int8_t>(value, bytes);
      return CUBLAS_STATUS_SUCCESS;
#endif
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t stride) {
  auto* matrix = new Matrix();
  matrix->dtype = dtype_of(type);
  matrix->rows = static_cast<std::int64_t>(rows);
  matrix->columns = static_cast<std::int64_t>(columns);
  matrix->stride = stride;
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(matrix);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete &as<Matrix>(layout);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, std::size_t bytes) {
  if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) {
    as<Matrix>(layout).batch = read<std::int32_t>(value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  }
  if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
    as<Matrix>(layout).batch_stride = read<std::int64_t>(value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete &as<Preference>(preference);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
  Preference& preference = as<Preference>(handle);
  const std::map<int, int> alignments = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 0},
                                         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 1},
                                         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 2},
                                         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 3}};
  if (auto which = alignments.find(attribute); which != alignments.end()) {
    preference.alignment[which->second] = read<std::uint32_t>(value, bytes);
  } else if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
    preference.workspace = read<std::uint64_t>(value, bytes);
  } else if (attribute != CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t wish, int most,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* found) {
  const Preference& preference = as<Preference>(wish);
  *found = 0;
  if (!fits(as<Product>(desc), as<Matrix>(a), as<Matrix>(b), as<Matrix>(d)) ||
      preference.workspace < kWorkspaceBytes)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  for (; *found < std::min(most, kAlgorithms); ++*found) {
    cublasLtMatmulHeuristicResult_t& result = results[*found];
    result = {};
    for (int i = 0; i < 4; ++i) result.algo.data[i] = preference.alignment[i];
    result.workspaceSize = kWorkspaceBytes;
    result.state = CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              std::size_t workspace_bytes, cudaStream_t stream) {
  Call call{as<Product>(desc),
            as<Matrix>(a_layout),
            as<Matrix>(b_layout),
            as<Matrix>(d_layout),
            a,
            b,
            c,
            d,
            workspace,
            workspace_bytes,
            *static_cast<const float*>(alpha),
            *static_cast<const float*>(beta)};
  expect_matrix(call.a, a, algorithm->data[0], "A");
  expect_matrix(call.b, b, algorithm->data[1], "B");
  if (call.beta != 0) expect_matrix(as<Matrix>(c_layout), c, algorithm->data[2], "C");
  expect_matrix(call.d, d, algorithm->data[3], "D");
  for (const auto& [matrix, data] : {std::pair(call.a, a), std::pair(call.b, b)})
    emulation::expect_apart(data, static_cast<std::size_t>(bytes_of(matrix)), d,
                            static_cast<std::size_t>(bytes_of(call.d)), "a product's operand");
  if (workspace_bytes < kWorkspaceBytes) return CUBLAS_STATUS_INVALID_VALUE;
  emulation::expect_on_device(workspace, workspace_bytes, "a product's workspace");
  const Product& product = call.product;
  if (product.epilogue == CUBLASLT_EPILOGUE_BIAS)
    emulation::expect_on_device(
        product.bias, static_cast<std::size_t>(call.d.rows) * size_of(dtype_of(product.bias_type)),
        "a product's bias");
  auto expect_scales = [](std::int32_t mode, const float* scales, std::int64_t count) {
    if (mode >= 0)
      emulation::expect_on_device(scales, static_cast<std::size_t>(count) * sizeof(float),
                                  "a product's scales");
  };
  expect_scales(product.a_scale_mode, product.a_scales, call.d.rows);
  expect_scales(product.b_scale_mode, product.b_scales, call.d.columns);
  return emulation::enqueue(stream, [call] { call.run(); }) == cudaSuccess
             ? CUBLAS_STATUS_SUCCESS
             : CUBLAS_STATUS_EXECUTION_FAILED;
}
