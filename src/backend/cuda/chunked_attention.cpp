#include "backend/cuda/chunked_attention.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/status.h"

namespace obscura::backend::cuda {
namespace {

// Bytes of float32 scores that a chunk may have.
constexpr std::int64_t kScoreBytes = 64 << 20;

// scores = q k^T for all heads of a sample and a chunk of its queries, softmax, times v.
class ChunkedAttention final : public Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(Context& context, const AttentionSizes& sizes,
                                                const std::optional<AttentionMask>& mask) {
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

  ChunkedAttention(const AttentionSizes& sizes, std::int64_t chunk,
                   const std::optional<AttentionMask>& mask)
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
    values.a_stride = s_.keys;
    values.b_stride = s_.v_row;
    values.d_stride = s_.width();
    values.batch = s_.heads;
    values.a_batch = queries * s_.keys;
    values.b_batch = values.d_batch = s_.head_size;
    values.alignment = s_.alignment();
    OBSCURA_ASSIGN(Matmul first, Matmul::create(context, scores));
    OBSCURA_ASSIGN(Matmul second, Matmul::create(context, values));
    return std::optional<Products>(Products{std::move(first), std::move(second)});
  }

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

  AttentionSizes s_;
  Element element_;
  std::int64_t chunk_;
  std::optional<AttentionMask> mask_;
  std::optional<Products> full_, rest_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> make_chunked_attention(Context& context,
                                                       const AttentionSizes& sizes,
                                                       const std::optional<AttentionMask>& mask) {
  return ChunkedAttention::create(context, sizes, mask);
}

}  // namespace obscura::backend::cuda
