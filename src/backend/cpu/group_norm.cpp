// Group statistics and group normalisation, channels last.
#include "ir/group_norm.h"

#include <algorithm>
#include <span>

#include "backend/cpu/kernel.h"
#include "backend/cpu/vector_math.h"
#include "base/parallel.h"

namespace obscura::backend::cpu {
namespace {

// Pixels whose sums are added up in float32 before they go into a double: short enough to lose
// nothing that matters.
constexpr std::int64_t kChunk = 64;

OBSCURA_FOR_EACH_CPU void add_chunk(const float* x, const float* centre, std::int64_t pixels,
                                    std::int64_t channels, float* __restrict sum,
                                    float* __restrict squares) {
  for (std::int64_t c = 0; c < channels; ++c) sum[c] = squares[c] = 0;
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = 0; c < channels; ++c) {
      float d = x[p * channels + c] - centre[c];
      sum[c] += d;
      squares[c] += d * d;
    }
  }
}

OBSCURA_FOR_EACH_CPU void scale_shift(const float* x, const float* scale, const float* shift,
                                      std::int64_t pixels, std::int64_t channels, bool silu,
                                      float* y) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    const float* from = x + p * channels;
    float* to = y + p * channels;
    if (silu) {
      for (std::int64_t c = 0; c < channels; ++c) to[c] = fast_silu(from[c] * scale[c] + shift[c]);
    } else {
      for (std::int64_t c = 0; c < channels; ++c) to[c] = from[c] * scale[c] + shift[c];
    }
  }
}

// The mean and variance of every channel of one image.
class ChannelMoments {
 public:
  explicit ChannelMoments(const Shape& x)
      : pixels_(x[1] * x[2]), channels_(x[3]), slices_(slice_count(pixels_)) {}

  // Doubles for a sum and a sum of squares of every channel in every slice, floats for a chunk of
  // each.
  std::size_t workspace_bytes() const {
    return static_cast<std::size_t>(slices_ * channels_) * 2 * (sizeof(double) + sizeof(float));
  }

  // Both are spans into the workspace.
  struct Result {
    std::span<double> means, variances;
  };
  Result run(const float* x, std::byte* workspace) const {
    auto* sums = reinterpret_cast<double*>(workspace);
    auto* chunks = reinterpret_cast<float*>(workspace + slices_ * channels_ * 2 * sizeof(double));
    // Deviations from the first pixel, not the values themselves, are squared: no cancellation
    // where the mean is large.
    const float* centre = x;
    parallel_for(slices_, [&](std::int64_t slice) {
      double* sum = sums + slice * 2 * channels_;
      float* chunk = chunks + slice * 2 * channels_;
      std::fill_n(sum, 2 * channels_, 0.0);
      std::int64_t begin = pixels_ * slice / slices_, end = pixels_ * (slice + 1) / slices_;
      for (std::int64_t p = begin; p < end; p += kChunk) {
        add_chunk(x + p * channels_, centre, std::min(kChunk, end - p), channels_, chunk,
                  chunk + channels_);
        for (std::int64_t c = 0; c < 2 * channels_; ++c) sum[c] += chunk[c];
      }
    });
    for (std::int64_t slice = 1; slice < slices_; ++slice) {
      for (std::int64_t c = 0; c < 2 * channels_; ++c) sums[c] += sums[slice * 2 * channels_ + c];
    }
    double count = static_cast<double>(pixels_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      double offset = sums[c] / count;
      sums[channels_ + c] = sums[channels_ + c] / count - offset * offset;
      sums[c] = centre[c] + offset;
    }
    auto width = static_cast<std::size_t>(channels_);
    return {{sums, width}, {sums + width, width}};
  }

 private:
  // By size alone, never by the number of threads: the order of summation is part of the result.
  static std::int64_t slice_count(std::int64_t pixels) {
    return std::clamp<std::int64_t>(pixels / 256, 1, 64);
  }

  std::int64_t pixels_, channels_, slices_;
};

class ChannelMomentsKernel final : public Kernel {
 public:
  explicit ChannelMomentsKernel(const KernelRequest& request)
      : x_(request.inputs[0].shape), moments_(request.inputs[0].shape) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = moments_.workspace_bytes()}; }

  void run(const KernelCall& call) const override {
    std::int64_t size = x_.elements() / x_[0];
    float* y = call.result();
    for (std::int64_t n = 0; n < x_[0]; ++n) {
      auto moments = moments_.run(call.f32(0) + n * size, call.workspace);
      for (double mean : moments.means) *y++ = static_cast<float>(mean);
      for (double variance : moments.variances) *y++ = static_cast<float>(variance);
    }
  }

 private:
  Shape x_;
  ChannelMoments moments_;
};

class GroupStatsKernel final : public Kernel {
 public:
  explicit GroupStatsKernel(const KernelRequest& request)
      : x_(request.inputs[0].shape),
        op_(dynamic_cast<const ir::GroupStatsOp&>(request.op)),
        moments_(x_) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = moments_.workspace_bytes()}; }

  void run(const KernelCall& call) const override {
    std::int64_t size = x_.elements() / x_[0];
    for (std::int64_t n = 0; n < x_[0]; ++n) {
      auto moments = moments_.run(call.f32(0) + n * size, call.workspace);
      ir::group_scale_shift(moments.means, moments.variances, op_.groups, op_.eps, call.f32(1),
                            call.f32(2), call.result() + n * 2 * x_[3]);
    }
  }

 private:
  Shape x_;
  ir::GroupStatsOp op_;
  ChannelMoments moments_;
};

class GroupNormKernel final : public Kernel {
 public:
  explicit GroupNormKernel(const KernelRequest& request)
      : x_(request.inputs[0].shape),
        options_(dynamic_cast<const ir::GroupNormOp&>(request.op).options),
        moments_(x_) {}

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes =
                moments_.workspace_bytes() + static_cast<std::size_t>(2 * x_[3]) * sizeof(float),
            .in_place_operand = 0};
  }

  void run(const KernelCall& call) const override {
    std::int64_t pixels = x_[1] * x_[2], channels = x_[3];
    auto* scale = reinterpret_cast<float*>(call.workspace + moments_.workspace_bytes());
    for (std::int64_t n = 0; n < x_[0]; ++n) {
      const float* x = call.f32(0) + n * pixels * channels;
      float* y = call.result() + n * pixels * channels;
      auto moments = moments_.run(x, call.workspace);
      ir::group_scale_shift(moments.means, moments.variances, options_.groups, options_.eps,
                            call.f32(1), call.f32(2), scale);
      std::int64_t blocks = (pixels + kChunk - 1) / kChunk;
      parallel_for(blocks, [&](std::int64_t block) {
        std::int64_t begin = block * kChunk;
        scale_shift(x + begin * channels, scale, scale + channels, std::min(kChunk, pixels - begin),
                    channels, options_.silu, y + begin * channels);
      });
    }
  }

 private:
  Shape x_;
  ir::GroupNormOp::Options options_;
  ChannelMoments moments_;
};

const RegisterKernel kGroupStats(
    "group_stats", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      return std::unique_ptr<Kernel>(std::make_unique<GroupStatsKernel>(request));
    });
const RegisterKernel kChannelMoments(
    "channel_moments", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      return std::unique_ptr<Kernel>(std::make_unique<ChannelMomentsKernel>(request));
    });
const RegisterKernel kGroupNorm(
    "group_norm", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      return std::unique_ptr<Kernel>(std::make_unique<GroupNormKernel>(request));
    });

}  // namespace
}  // namespace obscura::backend::cpu
