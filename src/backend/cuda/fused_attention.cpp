#include "backend/cuda/fused_attention.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/dnn_graph.h"

namespace obscura::backend::cuda {
namespace {

class FusedAttention final : public Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(Context& context, const AttentionSizes& sizes) {
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

  FusedAttention(const AttentionSizes& sizes, DnnPlan plan, bool composed)
      : s_(sizes), plan_(std::move(plan)), scale_(sizes.scale()), composed_(composed) {}

  std::size_t library_bytes() const { return plan::aligned(plan_.workspace_bytes()); }
  std::size_t statistics_bytes() const {
    return static_cast<std::size_t>(s_.samples * s_.heads * s_.queries) * sizeof(float);
  }

  // `composed`: written out as products and a softmax, a pattern that the library knows, though
  // only with the softmax's statistics, which training keeps, as a result.
  static void describe(DnnGraph& graph, const AttentionSizes& s, bool composed) {
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

  AttentionSizes s_;
  DnnPlan plan_;
  float scale_;
  bool composed_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> make_fused_attention(Context& context,
                                                     const AttentionSizes& sizes) {
  return FusedAttention::create(context, sizes);
}

}  // namespace obscura::backend::cuda
