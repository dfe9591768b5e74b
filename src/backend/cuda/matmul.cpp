#include "backend/cuda/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "backend/cuda/memory.h"
#include "backend/cuda/status.h"
#include "backend/cuda/timing.h"

namespace obscura::backend::cuda {
namespace {

constexpr std::size_t kProductWorkspaceLimit = 32u << 20;
constexpr int kProductCandidates = 8;

cudaDataType_t blas_type(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return CUDA_R_16F;
    case DType::kBF16:
      return CUDA_R_16BF;
    case DType::kF8E4M3:
      return CUDA_R_8F_E4M3;
    default:
      return CUDA_R_32F;
  }
}

Status blas_check(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return {};
  ErrorKind kind =
      status == CUBLAS_STATUS_NOT_SUPPORTED ? ErrorKind::kUnsupported : ErrorKind::kInternal;
  return Error(kind, fmt::format("[cuBLASLt] {}: status {}", what, static_cast<int>(status)));
}

}  // namespace

// cuBLASLt counts in columns, so D^T = op(B) A^T is what it is asked for: its first matrix is our
// B.
struct Matmul::Handles {
  explicit Handles(const BlasLt& library) : blas(library) {}
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    if (operation != nullptr) blas.desc_destroy(operation);
    for (cublasLtMatrixLayout_t layout : {a, b, d}) {
      if (layout != nullptr) blas.layout_destroy(layout);
    }
  }

  const BlasLt blas;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
};

// The constants for scales of rows came with CUDA 12.9.
#if CUDART_VERSION >= 12090
bool scales_rows(const cudaDeviceProp& properties, const Libraries& libraries) {
  return properties.major == 9 && libraries.blas.version() >= 120900;
}

namespace {

Status describe_scales(const BlasLt& blas, cublasLtMatmulDesc_t operation) {
  auto set = [&](cublasLtMatmulDescAttributes_t attribute, auto value) {
    return blas_check(blas.desc_set(operation, attribute, &value, sizeof value), "describe scales");
  };
  std::int32_t by_row = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
  OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, by_row));
  OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, by_row));
  // Like the bias's, not read before the first launch.
  OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, std::uintptr_t{256}));
  OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, std::uintptr_t{256}));
  // Sums then keep about 14 bits, a thousand times finer than the elements, at twice the speed.
  return set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
}

}  // namespace
#else
bool scales_rows(const cudaDeviceProp&, const Libraries&) {
  return false;
}

namespace {

Status describe_scales(const BlasLt&, cublasLtMatmulDesc_t) {
  return Error(ErrorKind::kUnsupported, "[cuBLASLt] built without scales of rows");
}

}  // namespace
#endif

std::string MatmulShape::text() const {
  return fmt::format("matmul {}x{}x{} {}->{}{}{}{} strides {} {} {} batch {} {} {} {} align {}",
                     rows, columns, depth, name_of(element), name_of(result),
                     b_depth_by_columns ? " b as stored" : "", bias ? " bias" : "",
                     add_c ? " add" : "", a_stride, b_stride, d_stride, batch, a_batch, b_batch,
                     d_batch, alignment);
}

Result<Matmul> Matmul::create(Context& context, const MatmulShape& shape) {
  const BlasLt& blas = context.libraries.blas;
  Matmul made;
  made.context_ = &context;
  made.shape_ = shape;
  made.handles_ = std::make_shared<Handles>(blas);
  Handles& h = *made.handles_;
  OBSCURA_TRY(blas_check(blas.desc_create(&h.operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), "create"));
  auto set = [&](cublasLtMatmulDescAttributes_t attribute, auto value) {
    return blas_check(blas.desc_set(h.operation, attribute, &value, sizeof value), "describe");
  };
  OBSCURA_TRY(
      set(CUBLASLT_MATMUL_DESC_TRANSA, shape.b_depth_by_columns ? CUBLAS_OP_N : CUBLAS_OP_T));
  if (shape.bias) {
    OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS));
    OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, blas_type(shape.result)));
    // Algorithms are offered for the pointer's alignment; it is not read before the first launch.
    OBSCURA_TRY(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, std::uintptr_t{256}));
  }

  if (shape.element == DType::kF8E4M3) OBSCURA_TRY(describe_scales(blas, h.operation));

  auto layout = [&](cublasLtMatrixLayout_t* target, DType dtype, std::int64_t rows,
                    std::int64_t columns, std::int64_t stride,
                    std::int64_t batch_stride) -> Status {
    if (stride == 0) stride = rows;
    OBSCURA_TRY(
        blas_check(blas.layout_create(target, blas_type(dtype), static_cast<std::uint64_t>(rows),
                                      static_cast<std::uint64_t>(columns), stride),
                   "describe a matrix"));
    if (shape.batch == 1) return {};
    auto batch = static_cast<std::int32_t>(shape.batch);
    OBSCURA_TRY(blas_check(
        blas.layout_set(*target, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch),
        "describe a batch"));
    return blas_check(blas.layout_set(*target, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                      &batch_stride, sizeof batch_stride),
                      "describe a batch");
  };
  bool flipped = shape.b_depth_by_columns;
  OBSCURA_TRY(layout(&h.b, shape.element, flipped ? shape.columns : shape.depth,
                     flipped ? shape.depth : shape.columns, shape.b_stride, shape.b_batch));
  OBSCURA_TRY(layout(&h.a, shape.element, shape.depth, shape.rows, shape.a_stride, shape.a_batch));
  OBSCURA_TRY(layout(&h.d, shape.result, shape.columns, shape.rows, shape.d_stride, shape.d_batch));

  cublasLtMatmulPreference_t preference = nullptr;
  OBSCURA_TRY(blas_check(blas.preference_create(&preference), "create a preference"));
  std::size_t limit = kProductWorkspaceLimit;
  // Partial sums are added in a fixed order: the same bits in each run.
  std::uint32_t reductions =
      CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  blas.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &limit, sizeof limit);
  blas.preference_set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions,
                      sizeof reductions);
  auto alignment = static_cast<std::uint32_t>(shape.alignment);
  for (auto attribute :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    blas.preference_set(preference, attribute, &alignment, sizeof alignment);
  std::array<cublasLtMatmulHeuristicResult_t, kProductCandidates> candidates{};
  int found = 0;
  cublasStatus_t status = blas.heuristic(context.blas, h.operation, h.b, h.a, h.d, h.d, preference,
                                         kProductCandidates, candidates.data(), &found);
  blas.preference_destroy(preference);
  auto unusable = [](const cublasLtMatmulHeuristicResult_t& candidate) {
    return candidate.state != CUBLAS_STATUS_SUCCESS;
  };
  if (status == CUBLAS_STATUS_SUCCESS)
    found =
        static_cast<int>(std::remove_if(candidates.begin(), candidates.begin() + found, unusable) -
                         candidates.begin());
  if (status != CUBLAS_STATUS_SUCCESS || found == 0)
    return Error(ErrorKind::kUnsupported, "[cuBLASLt] no algorithm for " + shape.text());
  std::size_t index = context.choose(shape.text(), static_cast<std::size_t>(found),
                                     [&](std::size_t i) { return made.time(candidates[i]); });
  made.algorithm_ = candidates[index].algo;
  made.workspace_bytes_ = candidates[index].workspaceSize;
  made.choice_ = fmt::format("{}: {}", shape.text(), index);
  return made;
}

Status Matmul::launch(const cublasLtMatmulAlgo_t& algorithm, std::size_t workspace_bytes,
                      const MatmulOperands& operands, cudaStream_t stream) const {
  const Handles& h = *handles_;
  auto bind = [&](cublasLtMatmulDescAttributes_t attribute, const void* pointer) {
    return blas_check(h.blas.desc_set(h.operation, attribute, &pointer, sizeof pointer),
                      "bind an operand");
  };
  if (shape_.bias) OBSCURA_TRY(bind(CUBLASLT_MATMUL_DESC_BIAS_POINTER, operands.bias));
  if (shape_.element == DType::kF8E4M3) {
    OBSCURA_TRY(bind(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, operands.b_scales));
    OBSCURA_TRY(bind(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, operands.a_scales));
  }
  const float alpha = 1.0f, beta = shape_.add_c ? 1.0f : 0.0f;
  return blas_check(
      h.blas.matmul(context_->blas, h.operation, &alpha, operands.b, h.b, operands.a, h.a, &beta,
                    shape_.add_c ? operands.c : operands.d, h.d, operands.d, h.d, &algorithm,
                    operands.workspace, workspace_bytes, stream),
      shape_.text());
}

Status Matmul::run(const MatmulOperands& operands, cudaStream_t stream) const {
  return launch(algorithm_, workspace_bytes_, operands, stream);
}

float Matmul::time(const cublasLtMatmulHeuristicResult_t& candidate) const {
  constexpr float kNever = std::numeric_limits<float>::infinity();
  auto span = [&](std::int64_t rows, std::int64_t columns, std::int64_t stride, std::int64_t batch,
                  DType dtype) {
    std::int64_t last = (rows - 1) * (stride == 0 ? columns : stride) + columns;
    return static_cast<std::size_t>(last + batch * (shape_.batch - 1)) * size_of(dtype);
  };
  bool flipped = shape_.b_depth_by_columns;
  std::size_t a_bytes =
      span(shape_.rows, shape_.depth, shape_.a_stride, shape_.a_batch, shape_.element);
  std::size_t b_bytes =
      span(flipped ? shape_.depth : shape_.columns, flipped ? shape_.columns : shape_.depth,
           shape_.b_stride, shape_.b_batch, shape_.element);
  std::size_t d_bytes =
      span(shape_.rows, shape_.columns, shape_.d_stride, shape_.d_batch, shape_.result);
  auto a = random_memory(*context_, a_bytes, shape_.element);
  auto b = random_memory(*context_, b_bytes, shape_.element);
  auto c = random_memory(*context_, d_bytes, shape_.result);
  auto d = random_memory(*context_, d_bytes, shape_.result);
  auto bias = random_memory(
      *context_, static_cast<std::size_t>(shape_.columns) * size_of(shape_.result), shape_.result);
  auto scales = random_memory(
      *context_, static_cast<std::size_t>(std::max(shape_.rows, shape_.columns)) * sizeof(float),
      DType::kF32);
  auto workspace = DeviceMemory::allocate(candidate.workspaceSize);
  if (!a.ok() || !b.ok() || !c.ok() || !d.ok() || !bias.ok() || !scales.ok() || !workspace.ok())
    return kNever;
  const auto* scale = reinterpret_cast<const float*>(scales->data());
  MatmulOperands operands{.a = a->data(),
                          .b = b->data(),
                          .a_scales = scale,
                          .b_scales = scale,
                          .bias = bias->data(),
                          .c = c->data(),
                          .d = d->data(),
                          .workspace = workspace->data()};
  return time_on_device(*context_, [&]() -> Status {
    return launch(candidate.algo, candidate.workspaceSize, operands, context_->compute);
  });
}

}  // namespace obscura::backend::cuda
