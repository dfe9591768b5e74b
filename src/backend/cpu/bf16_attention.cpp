#include "backend/cpu/bf16_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/attention_mask.h"
#include "backend/cpu/onednn.h"
#include "backend/cpu/precision.h"
#include "backend/cpu/softmax.h"
#include "base/parallel.h"
#include "ir/attention.h"

namespace obscura::backend::cpu {
namespace {

using dnnl::memory;

// While it lives, oneDNN builds primitives for one thread: ours run them, each its own.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(threads_); }

 private:
  int threads_ = thread_count();
};

class Bf16Attention final : public Kernel {
 public:
  explicit Bf16Attention(const KernelRequest& request)
      : options_(dynamic_cast<const ir::AttentionOp&>(request.op).options), mask_(request) {
    const Shape &q = request.inputs[0].shape, &k = request.inputs[1].shape,
                &v = request.inputs[2].shape;
    samples_ = q[0], tokens_ = q[1], keys_ = k[1];
    q_stride_ = q[2], k_stride_ = k[2], v_stride_ = v[2], width_ = request.output.shape[2];
    threads_ = thread_count();
    // A thread's scores should stay in its second-level cache.
    block_ = std::min(tokens_, std::clamp<std::int64_t>((1 << 18) / keys_ / 16 * 16, 32, 256));
    make_primitives();
  }

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes = static_cast<std::size_t>(options_.heads) * (k_bytes() + v_bytes()) +
                               static_cast<std::size_t>(threads_) * thread_bytes()};
  }

  void run(const KernelCall& call) const override {
    std::int64_t heads = options_.heads, blocks = (tokens_ + block_ - 1) / block_;
    std::byte* packed = call.workspace;
    std::byte* scratch = packed + static_cast<std::size_t>(heads) * (k_bytes() + v_bytes());
    for (std::int64_t n = 0; n < samples_; ++n) {
      parallel_for(heads, [&](std::int64_t head) { pack(call, n, head, place(packed, head)); });
      parallel_for_dynamic(heads * blocks, [&](std::int64_t task) {
        auto thread = static_cast<std::size_t>(omp_get_thread_num());
        run_block(call, n, task / blocks, task % blocks * block_, place(packed, task / blocks),
                  scratch + thread * thread_bytes());
      });
    }
  }

 private:
  void make_primitives() {
    using Tag = memory::format_tag;
    constexpr auto kBF16 = memory::data_type::bf16;
    constexpr auto kF32 = memory::data_type::f32;
    OneThread one_thread;
    std::int64_t size = options_.head_size;
    q_ = memory::desc({block_, size}, kBF16, Tag::ab);
    scores_ = memory::desc({block_, keys_}, kF32, Tag::ab);
    probabilities_ = memory::desc({block_, keys_}, kBF16, Tag::ab);
    result_ = memory::desc({block_, size}, kF32, Tag::ab);
    auto first = product(q_, memory::desc({size, keys_}, kBF16, Tag::any), scores_);
    auto second = product(probabilities_, memory::desc({keys_, size}, kBF16, Tag::any), result_);
    k_ = first.weights_desc();
    v_ = second.weights_desc();
    score_scratch_ = first.scratchpad_desc();
    value_scratch_ = second.scratchpad_desc();
    score_product_ = dnnl::matmul(first);
    value_product_ = dnnl::matmul(second);
    // Of one head: keys as columns, values as rows.
    stored_k_ = memory::desc({size, keys_}, kF32, memory::dims{1, k_stride_});
    stored_v_ = memory::desc({keys_, size}, kF32, memory::dims{v_stride_, 1});
    pack_k_ = dnnl::reorder({onednn_engine(), stored_k_, onednn_engine(), k_});
    pack_v_ = dnnl::reorder({onednn_engine(), stored_v_, onednn_engine(), v_});
  }

  std::size_t k_bytes() const { return plan::aligned(k_.get_size()); }
  std::size_t v_bytes() const { return plan::aligned(v_.get_size()); }
  std::size_t scratch_bytes() const {
    return plan::aligned(std::max(score_scratch_.get_size(), value_scratch_.get_size()));
  }
  std::size_t thread_bytes() const {
    return plan::aligned(q_.get_size()) + plan::aligned(scores_.get_size()) +
           plan::aligned(probabilities_.get_size()) + plan::aligned(result_.get_size()) +
           scratch_bytes();
  }
  std::byte* place(std::byte* packed, std::int64_t head) const {
    return packed + static_cast<std::size_t>(head) * (k_bytes() + v_bytes());
  }

  void pack(const KernelCall& call, std::int64_t n, std::int64_t head, std::byte* target) const {
    std::int64_t at = head * options_.head_size;
    memory k = borrowed(stored_k_, call.f32(1) + n * keys_ * k_stride_ + options_.k_offset + at);
    memory v = borrowed(stored_v_, call.f32(2) + n * keys_ * v_stride_ + options_.v_offset + at);
    memory packed_k = borrowed(k_, target), packed_v = borrowed(v_, target + k_bytes());
    dnnl::stream stream(onednn_engine());
    pack_k_.execute(stream, k, packed_k);
    pack_v_.execute(stream, v, packed_v);
  }

  void run_block(const KernelCall& call, std::int64_t n, std::int64_t head, std::int64_t first,
                 const std::byte* packed, std::byte* scratch) const {
    std::int64_t size = options_.head_size, rows = std::min(block_, tokens_ - first);
    auto* q = reinterpret_cast<std::uint16_t*>(scratch);
    std::byte* scores_place = scratch + plan::aligned(q_.get_size());
    std::byte* probabilities_place = scores_place + plan::aligned(scores_.get_size());
    std::byte* result_place = probabilities_place + plan::aligned(probabilities_.get_size());
    std::byte* library = result_place + plan::aligned(result_.get_size());
    auto* scores = reinterpret_cast<float*>(scores_place);
    auto* probabilities = reinterpret_cast<std::uint16_t*>(probabilities_place);
    auto* result = reinterpret_cast<float*>(result_place);

    const float* source =
        call.f32(0) + (n * tokens_ + first) * q_stride_ + options_.q_offset + head * size;
    for (std::int64_t row = 0; row < rows; ++row)
      round_to_bf16(source + row * q_stride_, size, q + row * size);
    // The last block is filled up with rows whose results nobody reads.
    std::fill(q + rows * size, q + block_ * size, std::uint16_t{0});
    dnnl::stream stream(onednn_engine());
    score_product_.execute(stream, {{DNNL_ARG_SRC, borrowed(q_, q)},
                                    {DNNL_ARG_WEIGHTS, borrowed(k_, packed)},
                                    {DNNL_ARG_DST, borrowed(scores_, scores)},
                                    {DNNL_ARG_SCRATCHPAD, borrowed(score_scratch_, library)}});
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (std::int64_t row = 0; row < rows; ++row) {
      float* x = scores + row * keys_;
      std::int64_t seen = options_.causal ? std::min(keys_, first + row + 1) : keys_;
      const bool sees =
          !mask_.is_there() || mask_.apply(call, n, head, first + row, scale, seen, x);
      if (sees) {
        float inverse = 1.0f / softmax_numerators(x, seen, mask_.is_there() ? 1.0f : scale);
        for (std::int64_t i = 0; i < seen; ++i) x[i] *= inverse;
      }
      std::fill(sees ? x + seen : x, x + keys_, 0.0f);
      round_to_bf16(x, keys_, probabilities + row * keys_);
    }
    std::fill(probabilities + rows * keys_, probabilities + block_ * keys_, std::uint16_t{0});
    value_product_.execute(stream, {{DNNL_ARG_SRC, borrowed(probabilities_, probabilities)},
                                    {DNNL_ARG_WEIGHTS, borrowed(v_, packed + k_bytes())},
                                    {DNNL_ARG_DST, borrowed(result_, result)},
                                    {DNNL_ARG_SCRATCHPAD, borrowed(value_scratch_, library)}});
    float* y = call.result() + (n * tokens_ + first) * width_ + head * size;
    for (std::int64_t row = 0; row < rows; ++row)
      std::memcpy(y + row * width_, result + row * size,
                  static_cast<std::size_t>(size) * sizeof(float));
  }

  const ir::AttentionOp::Options options_;
  const AttentionMask mask_;
  std::int64_t samples_ = 1, tokens_ = 0, keys_ = 0, q_stride_ = 0, k_stride_ = 0, v_stride_ = 0,
               width_ = 0, block_ = 1;
  int threads_ = 1;
  memory::desc q_, k_, v_, scores_, probabilities_, result_, stored_k_, stored_v_, score_scratch_,
      value_scratch_;
  dnnl::matmul score_product_, value_product_;
  dnnl::reorder pack_k_, pack_v_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> make_bf16_attention(const KernelRequest& request) {
  return guarded(request, [&]() -> std::unique_ptr<Kernel> {
    return std::make_unique<Bf16Attention>(request);
  });
}

}  // namespace obscura::backend::cpu
