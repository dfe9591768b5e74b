// Group statistics and group normalisation, channels last.
#include "ir/group_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

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

// Computes the scales and shifts of one sample.
class GroupStats {
 public:
  GroupStats(const Shape& x, int groups, float eps)
      : pixels_(x[1] * x[2]),
        channels_(x[3]),
        groups_(groups),
        eps_(eps),
        slices_(slice_count(pixels_)) {}

  // Doubles for a sum and a sum of squares of every channel in every slice, floats for a chunk of
  // each.
  std::size_t workspace_bytes() const {
    return static_cast<std::size_t>(slices_ * channels_) * 2 * (sizeof(double) + sizeof(float));
  }

  // `scale_shift` receives 2 * channels floats.
  void run(const float* x, const float* gamma, const float* beta, std::byte* workspace,
           float* scale_shift) const {
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
    for (int g = 0; g < groups_; ++g) combine(g, sums, centre, gamma, beta, scale_shift);
  }

 private:
  // By size alone, never by the number of threads: the order of summation is part of the result.
  static std::int64_t slice_count(std::int64_t pixels) {
    return std::clamp<std::int64_t>(pixels / 256, 1, 64);
  }

  void combine(int group, const double* sums, const float* centre, const float* gamma,
               const float* beta, float* scale_shift) const {
    std::int64_t width = channels_ / groups_, begin = group * width;
    double count = static_cast<double>(pixels_), mean = 0, second = 0;
    for (std::int64_t c = begin; c < begin + width; ++c) mean += centre[c] + sums[c] / count;
    mean /= static_cast<double>(width);
    for (std::int64_t c = begin; c < begin + width; ++c) {
      double channel_mean = sums[c] / count;  // of the deviations
      double variance = sums[channels_ + c] / count - channel_mean * channel_mean;
      double offset = centre[c] + channel_mean - mean;
      second += variance + offset * offset;
    }
    double inverse = 1 / std::sqrt(std::max(second / static_cast<double>(width), 0.0) + eps_);
    for (std::int64_t c = begin; c < begin + width; ++c) {
      double scale = gamma[c] * inverse;
      scale_shift[c] = static_cast<float>(scale);
      scale_shift[channels_ + c] = static_cast<float>(beta[c] - mean * scale);
    }
  }

  std::int64_t pixels_, channels_;
  int groups_;
  float eps_;
  std::int64_t slices_;
};

class GroupStatsKernel final : public Kernel {
 public:
  explicit GroupStatsKernel(const KernelRequest& request)
      : x_(request.inputs[0].shape), stats_(make(request)) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = stats_.workspace_bytes()}; }

  void run(const KernelCall& call) const override {
    std::int64_t size = x_.elements() / x_[0];
    for (std::int64_t n = 0; n < x_[0]; ++n) {
      stats_.run(call.f32(0) + n * size, call.f32(1), call.f32(2), call.workspace,
                 call.result() + n * 2 * x_[3]);
    }
  }

 private:
  static GroupStats make(const KernelRequest& request) {
    const auto& op = dynamic_cast<const ir::GroupStatsOp&>(request.op);
    return {request.inputs[0].shape, op.groups, op.eps};
  }
  Shape x_;
  GroupStats stats_;
};

class GroupNormKernel final : public Kernel {
 public:
  explicit GroupNormKernel(const KernelRequest& request)
      : x_(request.inputs[0].shape), stats_(make(request)) {
    silu_ = dynamic_cast<const ir::GroupNormOp&>(request.op).options.silu;
  }

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes =
                stats_.workspace_bytes() + static_cast<std::size_t>(2 * x_[3]) * sizeof(float),
            .weights = {},
            .in_place_operand = 0};
  }

  void run(const KernelCall& call) const override {
    std::int64_t pixels = x_[1] * x_[2], channels = x_[3];
    auto* scale = reinterpret_cast<float*>(call.workspace + stats_.workspace_bytes());
    for (std::int64_t n = 0; n < x_[0]; ++n) {
      const float* x = call.f32(0) + n * pixels * channels;
      float* y = call.result() + n * pixels * channels;
      stats_.run(x, call.f32(1), call.f32(2), call.workspace, scale);
      std::int64_t blocks = (pixels + kChunk - 1) / kChunk;
      parallel_for(blocks, [&](std::int64_t block) {
        std::int64_t begin = block * kChunk;
        scale_shift(x + begin * channels, scale, scale + channels, std::min(kChunk, pixels - begin),
                    channels, silu_, y + begin * channels);
      });
    }
  }

 private:
  static GroupStats make(const KernelRequest& request) {
    const auto& options = dynamic_cast<const ir::GroupNormOp&>(request.op).options;
    return {request.inputs[0].shape, options.groups, options.eps};
  }
  Shape x_;
  GroupStats stats_;
  bool silu_ = false;
};

const RegisterKernel kGroupStats(
    "group_stats", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      return std::unique_ptr<Kernel>(std::make_unique<GroupStatsKernel>(request));
    });
const RegisterKernel kGroupNorm(
    "group_norm", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      return std::unique_ptr<Kernel>(std::make_unique<GroupNormKernel>(request));
    });

}  // namespace
}  // namespace obscura::backend::cpu
