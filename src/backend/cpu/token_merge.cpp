#include "ir/token_merge.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "backend/cpu/kernel.h"
#include "backend/cpu/vector_math.h"
#include "base/parallel.h"

namespace obscura::backend::cpu {
namespace {

// So many sources meet so many destinations at a time: their products stay in registers.
constexpr std::int64_t kSources = 4, kDestinations = 16;

// sums[s][d] = the product of row s, of which each is `width` long, and column d of the panel.
OBSCURA_FOR_EACH_CPU void multiply_by_panel(const float* const* rows, const float* panel,
                                            std::int64_t width, float* sums) {
  float lanes[kSources][kDestinations] = {};
  for (std::int64_t c = 0; c < width; ++c) {
    for (std::int64_t s = 0; s < kSources; ++s)
      for (std::int64_t d = 0; d < kDestinations; ++d)
        lanes[s][d] += rows[s][c] * panel[c * kDestinations + d];
  }
  std::memcpy(sums, lanes, sizeof lanes);
}

// 1 / length, or 0 of nothing but zeros.
float inverse_length(const float* x, std::int64_t count) {
  double squares = 0;
  for (std::int64_t i = 0; i < count; ++i) squares += static_cast<double>(x[i]) * x[i];
  return squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0;
}

class MatchTokensKernel final : public Kernel {
 public:
  explicit MatchTokensKernel(const KernelRequest& request)
      : op_(dynamic_cast<const ir::MatchTokensOp&>(request.op).options),
        samples_(request.inputs[0].shape[0]),
        tokens_(request.inputs[0].shape[1]),
        width_(request.inputs[0].shape[2]),
        sources_(op_.sources()),
        destinations_(op_.destinations()) {
    panels_ = (static_cast<std::int64_t>(destinations_.size()) + kDestinations - 1) / kDestinations;
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes =
        static_cast<std::size_t>(panels_ * width_ * kDestinations) * sizeof(float);
    return needs;
  }

  void run(const KernelCall& call) const override {
    auto* panels = reinterpret_cast<float*>(call.workspace);
    auto* places = static_cast<std::int32_t*>(call.output());
    const std::int64_t count = static_cast<std::int64_t>(sources_.size());
    for (std::int64_t n = 0; n < samples_; ++n) {
      const float* x = call.f32(0) + n * tokens_ * width_;
      parallel_for(panels_, [&](std::int64_t p) { fill_panel(x, p, panels); });
      std::vector<ir::MatchTokensOp::Match> matches(sources_.size(), {0, destinations_.front(), 0});
      parallel_for((count + kSources - 1) / kSources,
                   [&](std::int64_t block) { match(x, panels, block * kSources, matches.data()); });
      op_.place(std::move(matches), places + n * tokens_);
    }
  }

 private:
  // Destinations of length 1, one beside the other.
  void fill_panel(const float* x, std::int64_t p, float* panels) const {
    float* panel = panels + p * width_ * kDestinations;
    std::fill_n(panel, width_ * kDestinations, 0.0f);
    for (std::int64_t d = 0; d < destinations_of(p); ++d) {
      const float* row = x + destination(p, d) * width_;
      const float scale = inverse_length(row, width_);
      for (std::int64_t c = 0; c < width_; ++c) panel[c * kDestinations + d] = row[c] * scale;
    }
  }

  // The sources from `first` on, at most kSources.
  void match(const float* x, const float* panels, std::int64_t first,
             ir::MatchTokensOp::Match* matches) const {
    const std::int64_t last = static_cast<std::int64_t>(sources_.size()) - 1;
    const float* rows[kSources];
    for (std::int64_t s = 0; s < kSources; ++s)
      rows[s] = x + sources_[static_cast<std::size_t>(std::min(first + s, last))] * width_;
    float products[kSources * kDestinations], best[kSources];
    std::fill_n(best, kSources, std::numeric_limits<float>::lowest());
    for (std::int64_t p = 0; p < panels_; ++p) {
      multiply_by_panel(rows, panels + p * width_ * kDestinations, width_, products);
      for (std::int64_t s = 0; s < kSources && first + s <= last; ++s) {
        for (std::int64_t d = 0; d < destinations_of(p); ++d) {
          const float product = products[s * kDestinations + d];
          if (!(product > best[s])) continue;
          best[s] = product;
          matches[first + s].destination = destination(p, d);
        }
      }
    }
    for (std::int64_t s = 0; s < kSources && first + s <= last; ++s) {
      matches[first + s].source = sources_[static_cast<std::size_t>(first + s)];
      matches[first + s].cosine = static_cast<double>(best[s]) * inverse_length(rows[s], width_);
    }
  }

  std::int64_t destinations_of(std::int64_t p) const {
    return std::min(kDestinations,
                    static_cast<std::int64_t>(destinations_.size()) - p * kDestinations);
  }
  std::int64_t destination(std::int64_t p, std::int64_t d) const {
    return destinations_[static_cast<std::size_t>(p * kDestinations + d)];
  }

  ir::MatchTokensOp op_;
  std::int64_t samples_, tokens_, width_;
  std::vector<std::int64_t> sources_, destinations_;
  std::int64_t panels_ = 0;
};

class MergeTokensKernel final : public Kernel {
 public:
  explicit MergeTokensKernel(const KernelRequest& request)
      : samples_(request.inputs[0].shape[0]),
        tokens_(request.inputs[0].shape[1]),
        width_(request.inputs[0].shape[2]),
        remaining_(request.output.shape[1]) {}

  void run(const KernelCall& call) const override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      const std::int32_t* places = call.i32(1) + n * tokens_;
      const float* x = call.f32(0) + n * tokens_ * width_;
      float* y = call.result() + n * remaining_ * width_;
      std::vector<float> counts(static_cast<std::size_t>(remaining_));
      for (std::int64_t token = 0; token < tokens_; ++token)
        ++counts[static_cast<std::size_t>(places[token])];
      constexpr std::int64_t kChannels = 16;  // a task
      parallel_for((width_ + kChannels - 1) / kChannels, [&](std::int64_t task) {
        const std::int64_t first = task * kChannels, some = std::min(kChannels, width_ - first);
        for (std::int64_t r = 0; r < remaining_; ++r) std::fill_n(y + r * width_ + first, some, 0);
        for (std::int64_t token = 0; token < tokens_; ++token) {
          const float share = 1 / counts[static_cast<std::size_t>(places[token])];
          float* sum = y + places[token] * width_ + first;
          for (std::int64_t c = 0; c < some; ++c) sum[c] += share * x[token * width_ + first + c];
        }
      });
    }
  }

 private:
  std::int64_t samples_, tokens_, width_, remaining_;
};

class SpreadTokensKernel final : public Kernel {
 public:
  explicit SpreadTokensKernel(const KernelRequest& request)
      : samples_(request.output.shape[0]),
        tokens_(request.output.shape[1]),
        width_(request.output.shape[2]),
        remaining_(request.inputs[0].shape[1]) {}

  void run(const KernelCall& call) const override {
    parallel_for(samples_ * tokens_, [&](std::int64_t i) {
      const std::int64_t row = i / tokens_ * remaining_ + call.i32(1)[i];
      std::copy_n(call.f32(0) + row * width_, width_, call.result() + i * width_);
    });
  }

 private:
  std::int64_t samples_, tokens_, width_, remaining_;
};

template <class Made>
Result<std::unique_ptr<Kernel>> make_token_kernel(const KernelRequest& request) {
  return std::unique_ptr<Kernel>(std::make_unique<Made>(request));
}

const RegisterKernel kMatchTokens("match_tokens", make_token_kernel<MatchTokensKernel>);
const RegisterKernel kMergeTokens("merge_tokens", make_token_kernel<MergeTokensKernel>);
const RegisterKernel kSpreadTokens("spread_tokens", make_token_kernel<SpreadTokensKernel>);

}  // namespace
}  // namespace obscura::backend::cpu
