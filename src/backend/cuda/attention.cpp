// Attention: cuDNN's fused kernel where it has one for the head size and type; else products and a
// softmax over a chunk of queries at a time, so that the scores of a head never exist as a whole.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>
#include <string>

#include "backend/cuda/dnn_graph.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/own_kernel.h"
#include "backend/cuda/status.h"
#include "ir/attention.h"

namespace obscura::backend::cuda {
namespace {

// Bytes of float32 scores that a chunk may have.
constexpr std::int64_t kScoreBytes = 64 << 20;

struct Sizes {
  DType dtype = DType::kF16;
  std::int64_t samples = 0, heads = 0, head_size = 0;
  std::int64_t queries = 0, keys = 0;
  std::int64_t q_row = 0, k_row = 0, v_row = 0;  // elements from a token to the next
  std::int64_t q_offset = 0, k_offset = 0, v_offset = 0;
  bool causal = false;

  std::int64_t width() const { return heads * head_size; }
  // Of the first element of any head of any token, in bytes.
  std::int64_t alignment() const {
    std::int64_t elements = head_size;
    for (std::int64_t step : {q_row, k_row, v_row, q_offset, k_offset, v_offset})
      elements = std::gcd(elements, step);
    return std::gcd(elements * static_cast<std::int64_t>(size_of(dtype)), std::int64_t{256});
  }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(head_size)); }
};

const void* shifted(const void* base, std::int64_t elements, DType dtype) {
  return static_cast<const std::byte*>(base) + static_cast<std::size_t>(elements) * size_of(dtype);
}

// cuDNN's fused attention.
class FusedAttention final : public Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(Context& context, const Sizes& sizes) {
    std::string reason;
    for (bool composed : {false, true}) {
      DnnGraph graph(context);
      describe(graph, sizes, composed);
      auto plans = std::move(graph).plans(false, 1, 0x7fffffff);
      if (plans.ok()) {
        return std::unique_ptr<Kernel>(new FusedAttention(sizes, plans->front(), composed));
      }
      reason += plans.error().message() + "; ";
    }
    return Error(ErrorKind::kUnsupported, "[attention] " + reason);
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = library_bytes() + (composed_ ? statistics_bytes() : 0);
    return needs;
  }

  Status run(const KernelCall& call) const override {
    std::byte* statistics = static_cast<std::byte*>(call.workspace) + library_bytes();
    std::array<DnnPlan::Binding, 6> bindings{{{kQ, shifted(call.input(0), s_.q_offset, s_.dtype)},
                                              {kK, shifted(call.input(1), s_.k_offset, s_.dtype)},
                                              {kV, shifted(call.input(2), s_.v_offset, s_.dtype)},
                                              {kO, call.output()},
                                              {kScale, &scale_},
                                              {kStatistics, statistics}}};
    return plan_.run(std::span(bindings).first(composed_ ? 6 : 5), call.workspace);
  }

  std::string choice() const override {
    return std::string("attention: ") + (composed_ ? "composed" : "one operation") + ", " +
           plan_.engine();
  }

 private:
  enum : std::int64_t { kQ = 1, kK, kV, kO, kScale, kStatistics };

  FusedAttention(const Sizes& sizes, DnnPlan plan, bool composed)
      : s_(sizes), plan_(std::move(plan)), scale_(sizes.scale()), composed_(composed) {}

  std::size_t library_bytes() const { return plan::aligned(plan_.workspace_bytes()); }
  std::size_t statistics_bytes() const {
    return static_cast<std::size_t>(s_.samples * s_.heads * s_.queries) * sizeof(float);
  }

  // `composed`: written out as products and a softmax, a pattern that the library knows, though
  // only with the softmax's statistics, which training keeps, as a result.
  static void describe(DnnGraph& graph, const Sizes& s, bool composed) {
    std::int64_t n = s.samples, h = s.heads, t = s.queries, u = s.keys, d = s.head_size;
    auto strides = [d](std::int64_t tokens, std::int64_t row) {
      return std::vector<std::int64_t>{tokens * row, d, row, 1};
    };
    auto q = graph.tensor(kQ, {n, h, t, d}, strides(t, s.q_row), s.dtype);
    auto v = graph.tensor(kV, {n, h, u, d}, strides(u, s.v_row), s.dtype);
    auto o = graph.tensor(kO, {n, h, t, d}, strides(t, s.width()), s.dtype);
    auto scale = graph.scalar(kScale, 4);
    if (!composed) {
      auto k = graph.tensor(kK, {n, h, u, d}, strides(u, s.k_row), s.dtype);
      graph.attention(q, k, v, o, scale);
      return;
    }
    auto k = graph.tensor(kK, {n, h, d, u}, {u * s.k_row, d, 1, s.k_row}, s.dtype);
    std::vector<std::int64_t> dims = {n, h, t, u}, dense = {h * t * u, t * u, u, 1};
    std::vector<std::int64_t> row_dims = {n, h, t, 1}, row_strides = {h * t, t, 1, 1};
    auto scores = graph.intermediate(dims, dense), scaled = graph.intermediate(dims, dense);
    auto largest = graph.intermediate(row_dims, row_strides);
    auto shifted_scores = graph.intermediate(dims, dense);
    auto exponentials = graph.intermediate(dims, dense);
    auto sums = graph.intermediate(row_dims, row_strides);
    auto probabilities = graph.intermediate(dims, dense, s.dtype);
    graph.matmul(q, k, scores);
    graph.pointwise(CUDNN_POINTWISE_MUL, scores, scale, scaled);
    graph.reduce(CUDNN_REDUCE_TENSOR_MAX, scaled, largest);
    graph.pointwise(CUDNN_POINTWISE_SUB, scaled, largest, shifted_scores);
    graph.pointwise(CUDNN_POINTWISE_EXP, shifted_scores, exponentials);
    graph.reduce(CUDNN_REDUCE_TENSOR_ADD, exponentials, sums);
    auto logarithms = graph.intermediate(row_dims, row_strides);
    auto statistics = graph.tensor(kStatistics, row_dims, row_strides, DType::kF32);
    graph.pointwise(CUDNN_POINTWISE_LOG, sums, logarithms);
    graph.pointwise(CUDNN_POINTWISE_ADD, largest, logarithms, statistics);
    graph.pointwise(CUDNN_POINTWISE_DIV, exponentials, sums, probabilities);
    graph.matmul(probabilities, v, o);
  }

  Sizes s_;
  DnnPlan plan_;
  float scale_;
  bool composed_;
};

// A mask (samples, heads, queries, keys) as it lies in memory: strides in elements, 0 along an axis
// of 1.
struct Mask {
  std::int64_t sample_stride = 0, head_stride = 0, query_stride = 0;
  DType dtype = DType::kI32;
};

// scores = q k^T for all heads of a sample and a chunk of its queries, softmax, times v.
class ChunkedAttention final : public Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(Context& context, const Sizes& sizes,
                                                const std::optional<Mask>& mask) {
    std::int64_t per_query = sizes.heads * sizes.keys * static_cast<std::int64_t>(sizeof(float));
    std::int64_t chunk = std::clamp<std::int64_t>(kScoreBytes / per_query, 1, sizes.queries);
    std::unique_ptr<ChunkedAttention> made(new ChunkedAttention(sizes, chunk, mask));
    OBSCURA_ASSIGN(made->full_, made->products(context, chunk));
    if (sizes.queries % chunk != 0) {
      OBSCURA_ASSIGN(made->rest_, made->products(context, sizes.queries % chunk));
    }
    return std::unique_ptr<Kernel>(std::move(made));
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = score_bytes() + probability_bytes() + library_bytes();
    return needs;
  }

  Status run(const KernelCall& call) const override {
    for (std::int64_t n = 0; n < s_.samples; ++n) {
      for (std::int64_t first = 0; first < s_.queries; first += chunk_)
        OBSCURA_TRY(run_chunk(call, n, first, std::min(chunk_, s_.queries - first)));
    }
    return {};
  }

  std::string choice() const override {
    return full_->scores.choice() + "; " + full_->values.choice();
  }

 private:
  struct Products {
    Matmul scores, values;
  };

  ChunkedAttention(const Sizes& sizes, std::int64_t chunk, const std::optional<Mask>& mask)
      : s_(sizes), element_(element_of(sizes.dtype)), chunk_(chunk), mask_(mask) {}

  Result<std::optional<Products>> products(Context& context, std::int64_t queries) const {
    MatmulShape scores;
    scores.rows = queries;
    scores.columns = s_.keys;
    scores.depth = s_.head_size;
    scores.element = s_.dtype;
    scores.result = DType::kF32;
    scores.a_stride = s_.q_row;
    scores.b_stride = s_.k_row;
    scores.d_stride = s_.keys;
    scores.batch = s_.heads;
    scores.a_batch = scores.b_batch = s_.head_size;
    scores.d_batch = queries * s_.keys;
    scores.alignment = s_.alignment();
    MatmulShape values;
    values.rows = queries;
    values.columns = s_.head_size;
    values.depth = s_.keys;
    values.element = values.result = s_.dtype;
    values.b_depth_by_columns = true;
    values.a_stride = key_stride();
    values.b_stride = s_.v_row;
    values.d_stride = s_.width();
    values.batch = s_.heads;
    values.a_batch = queries * key_stride();
    values.b_batch = values.d_batch = s_.head_size;
    values.alignment = s_.alignment();
    OBSCURA_ASSIGN(Matmul first, Matmul::create(context, scores));
    OBSCURA_ASSIGN(Matmul second, Matmul::create(context, values));
    return std::optional<Products>(Products{std::move(first), std::move(second)});
  }

  // Probabilities are dense, as the softmax writes them.
  std::int64_t key_stride() const { return s_.keys; }
  std::size_t count() const { return static_cast<std::size_t>(s_.heads * chunk_ * s_.keys); }
  std::size_t score_bytes() const { return plan::aligned(count() * sizeof(float)); }
  std::size_t probability_bytes() const { return plan::aligned(count() * size_of(s_.dtype)); }
  std::size_t library_bytes() const {
    std::size_t most = std::max(full_->scores.workspace_bytes(), full_->values.workspace_bytes());
    if (rest_)
      most = std::max({most, rest_->scores.workspace_bytes(), rest_->values.workspace_bytes()});
    return most;
  }

  Status run_chunk(const KernelCall& call, std::int64_t n, std::int64_t first,
                   std::int64_t queries) const {
    const Products& products = queries == chunk_ ? *full_ : *rest_;
    auto* scores = static_cast<std::byte*>(call.workspace);
    std::byte* probabilities = scores + score_bytes();
    std::byte* library = probabilities + probability_bytes();
    const void* q =
        shifted(call.input(0), (n * s_.queries + first) * s_.q_row + s_.q_offset, s_.dtype);
    const void* k = shifted(call.input(1), n * s_.keys * s_.k_row + s_.k_offset, s_.dtype);
    const void* v = shifted(call.input(2), n * s_.keys * s_.v_row + s_.v_offset, s_.dtype);
    auto* o =
        const_cast<void*>(shifted(call.output(), (n * s_.queries + first) * s_.width(), s_.dtype));
    OBSCURA_TRY(
        products.scores.run({.a = q, .b = k, .d = scores, .workspace = library}, call.stream));
    OBSCURA_TRY(check(
        softmax_rows(element_, rows(call, n, first, queries, scores), probabilities, call.stream),
        "attention's softmax"));
    return products.values.run({.a = probabilities, .b = v, .d = o, .workspace = library},
                               call.stream);
  }

  SoftmaxRows rows(const KernelCall& call, std::int64_t n, std::int64_t first, std::int64_t queries,
                   const std::byte* scores) const {
    SoftmaxRows rows;
    rows.scores = reinterpret_cast<const float*>(scores);
    rows.rows = s_.heads * queries;
    rows.columns = s_.keys;
    rows.scale = s_.scale();
    rows.causal = s_.causal;
    rows.first_row = first;
    rows.rows_per_head = queries;
    if (!mask_) return rows;
    rows.mask = shifted(call.input(3), n * mask_->sample_stride, mask_->dtype);
    rows.mask_adds = mask_->dtype != DType::kI32;
    rows.mask_head_stride = mask_->head_stride;
    rows.mask_query_stride = mask_->query_stride;
    return rows;
  }

  Sizes s_;
  Element element_;
  std::int64_t chunk_;
  std::optional<Mask> mask_;
  std::optional<Products> full_, rest_;
};

Sizes sizes_of(const KernelRequest& request, const ir::AttentionOp::Options& options) {
  Sizes s;
  s.dtype = request.type(0).dtype;
  s.samples = request.type(0).shape[0];
  s.heads = options.heads;
  s.head_size = options.head_size;
  s.queries = request.type(0).shape[1];
  s.keys = request.type(1).shape[1];
  s.q_row = request.type(0).shape[2];
  s.k_row = request.type(1).shape[2];
  s.v_row = request.type(2).shape[2];
  s.q_offset = options.q_offset;
  s.k_offset = options.k_offset;
  s.v_offset = options.v_offset;
  s.causal = options.causal;
  return s;
}

Mask mask_of(const ir::ValueType& type) {
  const Shape& m = type.shape;
  Mask mask;
  mask.dtype = type.dtype;
  mask.query_stride = m[2] == 1 ? 0 : m[3];
  mask.head_stride = m[1] == 1 ? 0 : m[2] * m[3];
  mask.sample_stride = m[0] == 1 ? 0 : m[1] * m[2] * m[3];
  return mask;
}

bool by_eights(const Sizes& s) {
  return s.head_size % 8 == 0 && s.q_row % 8 == 0 && s.k_row % 8 == 0 && s.v_row % 8 == 0 &&
         s.q_offset % 8 == 0 && s.k_offset % 8 == 0 && s.v_offset % 8 == 0;
}

Result<std::unique_ptr<Kernel>> make_attention(const KernelRequest& request) {
  OBSCURA_TRY(of_one_type(request));
  const auto& options = dynamic_cast<const ir::AttentionOp&>(*request.op).options;
  const Sizes s = sizes_of(request, options);
  std::optional<Mask> mask;
  if (options.mask) mask = mask_of(request.type(3));
  if (s.dtype != DType::kF32 && s.head_size <= 128 && by_eights(s) && !s.causal && !mask &&
      request.context.architecture() >= 80) {
    auto fused = FusedAttention::create(request.context, s);
    if (fused.ok() || fused.error().kind() != ErrorKind::kUnsupported) return fused;
  }
  return ChunkedAttention::create(request.context, s, mask);
}

const RegisterKernel kAttention("attention", make_attention);

}  // namespace
}  // namespace obscura::backend::cuda
