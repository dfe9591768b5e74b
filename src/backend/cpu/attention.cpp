// Attention by blocks of queries: scores of one block against all keys, softmax, product with the
// values. The block's scores fit in cache; the full matrix never exists.
#include "ir/attention.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/attention_mask.h"
#include "backend/cpu/bf16_attention.h"
#include "backend/cpu/onednn.h"
#include "backend/cpu/softmax.h"
#include "base/parallel.h"

namespace obscura::backend::cpu {
namespace {

class AttentionKernel final : public Kernel {
 public:
  explicit AttentionKernel(const KernelRequest& request)
      : options_(dynamic_cast<const ir::AttentionOp&>(request.op).options), mask_(request) {
    const Shape &q = request.inputs[0].shape, &k = request.inputs[1].shape,
                &v = request.inputs[2].shape;
    samples_ = q[0], tokens_ = q[1], keys_ = k[1];
    q_stride_ = q[2], k_stride_ = k[2], v_stride_ = v[2], width_ = request.output.shape[2];
    // About 256 KiB of scores a block, but enough rows to keep a matrix product efficient.
    block_ = std::min(tokens_, std::clamp<std::int64_t>((1 << 16) / keys_ / 16 * 16, 32, 128));
  }

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes =
                static_cast<std::size_t>(thread_count() * block_ * (keys_ + 1)) * sizeof(float)};
  }

  void run(const KernelCall& call) const override {
    std::int64_t blocks = (tokens_ + block_ - 1) / block_;
    auto* workspace = reinterpret_cast<float*>(call.workspace);
    parallel_for_dynamic(samples_ * options_.heads * blocks, [&](std::int64_t task) {
      std::int64_t n = task / (options_.heads * blocks), head = task / blocks % options_.heads;
      run_block(call, n, head, task % blocks * block_,
                workspace + omp_get_thread_num() * block_ * (keys_ + 1));
    });
  }

 private:
  void run_block(const KernelCall& call, std::int64_t n, std::int64_t head, std::int64_t first,
                 float* scores) const {
    std::int64_t size = options_.head_size, rows = std::min(block_, tokens_ - first);
    std::int64_t visible = options_.causal ? std::min(keys_, first + rows) : keys_;
    const float* q =
        call.f32(0) + (n * tokens_ + first) * q_stride_ + options_.q_offset + head * size;
    const float* k = call.f32(1) + n * keys_ * k_stride_ + options_.k_offset + head * size;
    const float* v = call.f32(2) + n * keys_ * v_stride_ + options_.v_offset + head * size;
    float* y = call.result() + (n * tokens_ + first) * width_ + head * size;
    float* sums = scores + block_ * keys_;

    dnnl_sgemm('N', 'T', rows, visible, size, 1.0f, q, q_stride_, k, k_stride_, 0.0f, scores,
               keys_);
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (std::int64_t row = 0; row < rows; ++row) {
      float* x = scores + row * keys_;
      std::int64_t seen = options_.causal ? std::min(visible, first + row + 1) : visible;
      if (!mask_.is_there()) {
        sums[row] = softmax_numerators(x, seen, scale);
      } else if (mask_.apply(call, n, head, first + row, scale, seen, x)) {
        sums[row] = softmax_numerators(x, seen, 1.0f);
      } else {
        std::fill(x, x + seen, 0.0f);
        sums[row] = 1;
      }
      std::fill(x + seen, x + visible, 0.0f);
    }
    dnnl_sgemm('N', 'N', rows, size, visible, 1.0f, scores, keys_, v, v_stride_, 0.0f, y, width_);
    for (std::int64_t row = 0; row < rows; ++row) {
      float inverse = 1.0f / sums[row];
      for (std::int64_t i = 0; i < size; ++i) y[row * width_ + i] *= inverse;
    }
  }

  const ir::AttentionOp::Options options_;
  const AttentionMask mask_;
  std::int64_t samples_ = 1, tokens_ = 0, keys_ = 0, q_stride_ = 0, k_stride_ = 0, v_stride_ = 0,
               width_ = 0;
  std::int64_t block_ = 1;
};

const RegisterKernel kAttention(
    "attention", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      if (request.products == ir::Products::kBF16) return make_bf16_attention(request);
      return std::unique_ptr<Kernel>(std::make_unique<AttentionKernel>(request));
    });

}  // namespace
}  // namespace obscura::backend::cpu
