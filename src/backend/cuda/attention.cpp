// Attention: cuDNN's fused kernel where it has one for the head size and type; else products and a
// softmax of ours.
#include "ir/attention.h"

#include <memory>
#include <optional>

#include "backend/cuda/chunked_attention.h"
#include "backend/cuda/fused_attention.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

AttentionSizes sizes_of(const KernelRequest& request, const ir::AttentionOp::Options& options) {
  AttentionSizes s;
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

AttentionMask mask_of(const ir::ValueType& type) {
  const Shape& m = type.shape;
  AttentionMask mask;
  mask.dtype = type.dtype;
  mask.query_stride = m[2] == 1 ? 0 : m[3];
  mask.head_stride = m[1] == 1 ? 0 : m[2] * m[3];
  mask.sample_stride = m[0] == 1 ? 0 : m[1] * m[2] * m[3];
  return mask;
}

bool by_eights(const AttentionSizes& s) {
  return s.head_size % 8 == 0 && s.q_row % 8 == 0 && s.k_row % 8 == 0 && s.v_row % 8 == 0 &&
         s.q_offset % 8 == 0 && s.k_offset % 8 == 0 && s.v_offset % 8 == 0;
}

Result<std::unique_ptr<Kernel>> make_attention(const KernelRequest& request) {
  OBSCURA_TRY(of_one_type(request));
  const auto& options = dynamic_cast<const ir::AttentionOp&>(*request.op).options;
  const AttentionSizes s = sizes_of(request, options);
  std::optional<AttentionMask> mask;
  if (options.mask) mask = mask_of(request.type(3));
  if (s.dtype != DType::kF32 && s.head_size <= 128 && by_eights(s) && !s.causal && !mask &&
      request.context.architecture() >= 80) {
    auto fused = make_fused_attention(request.context, s);
    if (fused.ok() || fused.error().kind() != ErrorKind::kUnsupported) return fused;
  }
  return make_chunked_attention(request.context, s, mask);
}

const RegisterKernel kAttention("attention", make_attention);

}  // namespace
}  // namespace obscura::backend::cuda
