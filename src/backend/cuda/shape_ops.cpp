// Ops that move elements: joins, selections, upsampling, rows of a table.
#include "ir/shape_ops.h"

#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/movement.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

class ConcatKernel final : public Kernel {
 public:
  explicit ConcatKernel(const KernelRequest& request)
      : a_(row_bytes(request.type(0))),
        b_(row_bytes(request.type(1))),
        rows_(request.output.shape.elements() / request.output.shape[-1]) {}

  Status run(const KernelCall& call) const override {
    return check(
        concat_rows(call.input(0), a_, call.input(1), b_, call.output(), rows_, call.stream),
        "concat");
  }

 private:
  std::int64_t a_, b_, rows_;
};

class SliceRowsKernel final : public Kernel {
 public:
  explicit SliceRowsKernel(const KernelRequest& request)
      : samples_(request.output.shape[0]),
        source_bytes_(request.type(0).bytes() / static_cast<std::size_t>(samples_)),
        bytes_(request.output.bytes() / static_cast<std::size_t>(samples_)) {
    auto begin = dynamic_cast<const ir::SliceRowsOp&>(*request.op).begin;
    first_ = source_bytes_ / static_cast<std::size_t>(request.type(0).shape[1]) *
             static_cast<std::size_t>(begin);
  }

  Status run(const KernelCall& call) const override {
    const auto* source = static_cast<const std::byte*>(call.input(0)) + first_;
    auto* target = static_cast<std::byte*>(call.output());
    for (std::int64_t n = 0; n < samples_; ++n, source += source_bytes_, target += bytes_) {
      OBSCURA_TRY(
          check(cudaMemcpyAsync(target, source, bytes_, cudaMemcpyDeviceToDevice, call.stream),
                "copying rows"));
    }
    return {};
  }

 private:
  std::int64_t samples_;
  std::size_t source_bytes_, bytes_, first_ = 0;
};

class SwapAxesKernel final : public Kernel {
 public:
  explicit SwapAxesKernel(const KernelRequest& request)
      : y_(request.output.shape), bytes_(static_cast<std::size_t>(row_bytes(request.output))) {}

  Status run(const KernelCall& call) const override {
    const auto* source = static_cast<const std::byte*>(call.input(0));
    auto* target = static_cast<std::byte*>(call.output());
    const auto outer = static_cast<std::size_t>(y_[1]), inner = static_cast<std::size_t>(y_[2]);
    for (std::int64_t a = 0; a < y_[0]; ++a, source += outer * inner * bytes_) {
      for (std::size_t c = 0; c < outer; ++c, target += inner * bytes_) {
        OBSCURA_TRY(check(cudaMemcpy2DAsync(target, bytes_, source + c * bytes_, outer * bytes_,
                                            bytes_, inner, cudaMemcpyDeviceToDevice, call.stream),
                          "swapping axes"));
      }
    }
    return {};
  }

 private:
  Shape y_;
  std::size_t bytes_;
};

class SelectTokenKernel final : public Kernel {
 public:
  explicit SelectTokenKernel(const KernelRequest& request)
      : samples_(request.type(0).shape[0]),
        tokens_(request.type(0).shape[1]),
        bytes_(row_bytes(request.type(0))) {}

  Status run(const KernelCall& call) const override {
    return check(gather_rows(call.input(0), tokens_ * bytes_, tokens_,
                             static_cast<const std::int32_t*>(call.input(1)), samples_, bytes_,
                             call.output(), call.stream),
                 "select_token");
  }

 private:
  std::int64_t samples_, tokens_, bytes_;
};

class EmbeddingKernel final : public Kernel {
 public:
  explicit EmbeddingKernel(const KernelRequest& request)
      : ids_(request.type(0).shape.elements()),
        rows_(request.type(1).shape[0]),
        bytes_(row_bytes(request.type(1))) {}

  Status run(const KernelCall& call) const override {
    return check(
        gather_rows(call.input(1), 0, rows_, static_cast<const std::int32_t*>(call.input(0)), ids_,
                    bytes_, call.output(), call.stream),
        "embedding");
  }

 private:
  std::int64_t ids_, rows_, bytes_;
};

class UpsampleKernel final : public Kernel {
 public:
  explicit UpsampleKernel(const KernelRequest& request)
      : x_(request.type(0).shape), bytes_(row_bytes(request.type(0))) {}

  Status run(const KernelCall& call) const override {
    return check(
        double_pixels(call.input(0), call.output(), x_[0], x_[1], x_[2], bytes_, call.stream),
        "upsample");
  }

 private:
  Shape x_;
  std::int64_t bytes_;
};

const RegisterKernel kConcat("concat", make<ConcatKernel>);
const RegisterKernel kSliceRows("slice_rows", make<SliceRowsKernel>);
const RegisterKernel kSwapAxes("swap_axes", make<SwapAxesKernel>);
const RegisterKernel kSelectToken("select_token", make<SelectTokenKernel>);
const RegisterKernel kEmbedding("embedding", make<EmbeddingKernel>);
const RegisterKernel kUpsample("upsample", make<UpsampleKernel>);

}  // namespace
}  // namespace obscura::backend::cuda
