// Token merging: the likenesses of tokens are a product by cuBLASLt, a stretch of tokens at a time;
// what comes of them is decided by kernels of ours, in the order of the plain definition.
#include "ir/token_merge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/movement.h"
#include "backend/cuda/kernels/tokens.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

// Of float32 products that exist at a time.
constexpr std::int64_t kProductBytes = 64 << 20;

class MatchTokensKernel final : public Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    std::unique_ptr<MatchTokensKernel> made(new MatchTokensKernel(request));
    OBSCURA_TRY(made->keep_lists(dynamic_cast<const ir::MatchTokensOp&>(*request.op)));
    OBSCURA_ASSIGN(made->full_, made->product(request.context, made->stretch_));
    if (const std::int64_t rest = made->tokens_ % made->stretch_; rest != 0) {
      OBSCURA_ASSIGN(made->rest_, made->product(request.context, rest));
    }
    return std::unique_ptr<Kernel>(std::move(made));
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = places().end;
    return needs;
  }

  Status run(const KernelCall& call) const override {
    const Workspace at = in(call.workspace);
    OBSCURA_TRY(check(
        cudaMemcpyAsync(at.lists, lists_.data(), list_bytes(), cudaMemcpyHostToDevice, call.stream),
        "bringing the lists of tokens"));
    auto* places = static_cast<std::int32_t*>(call.output());
    OBSCURA_TRY(check(
        cudaMemsetAsync(places, 0, static_cast<std::size_t>(samples_) * list_bytes(), call.stream),
        "clearing the places of tokens"));
    for (std::int64_t n = 0; n < samples_; ++n) {
      const auto* x = static_cast<const std::byte*>(call.input(0)) + n * tokens_ * row_;
      OBSCURA_TRY(match(x, at, call.stream));
      OBSCURA_TRY(
          check(place_tokens(at.matches, lists(at), merged_, places + n * tokens_, call.stream),
                "placing tokens"));
    }
    return {};
  }

  std::string choice() const override { return full_->choice(); }

 private:
  // Into the workspace, in bytes.
  struct Places {
    std::size_t lists = 0, inverse = 0, matches = 0, destinations = 0, products = 0, library = 0;
    std::size_t end = 0;
  };
  struct Workspace {
    std::int32_t* lists;  // sources, then destinations
    float* inverse;
    TokenMatch* matches;
    std::byte* destinations;
    float* products;
    void* library;
  };

  explicit MatchTokensKernel(const KernelRequest& request)
      : dtype_(request.type(0).dtype),
        samples_(request.type(0).shape[0]),
        tokens_(request.type(0).shape[1]),
        width_(request.type(0).shape[2]),
        row_(row_bytes(request.type(0))) {}

  Status keep_lists(const ir::MatchTokensOp& op) {
    merged_ = static_cast<std::int32_t>(op.options.merged);
    OBSCURA_ASSIGN(lists_, PinnedMemory::allocate(list_bytes()));
    const auto sources = op.sources(), destinations = op.destinations();
    source_count_ = static_cast<std::int32_t>(sources.size());
    destination_count_ = static_cast<std::int32_t>(destinations.size());
    std::vector<std::int32_t> both(sources.begin(), sources.end());
    both.insert(both.end(), destinations.begin(), destinations.end());
    std::memcpy(lists_.data(), both.data(), list_bytes());
    const auto each = destination_count_ * static_cast<std::int64_t>(sizeof(float));
    stretch_ = std::clamp<std::int64_t>(kProductBytes / each, 1, tokens_);
    return {};
  }

  // Of `count` tokens with all destinations.
  Result<std::optional<Matmul>> product(Context& context, std::int64_t count) const {
    MatmulShape shape;
    shape.rows = count;
    shape.columns = destination_count_;
    shape.depth = width_;
    shape.element = dtype_;
    shape.result = DType::kF32;
    shape.alignment = std::gcd(row_, std::int64_t{256});
    OBSCURA_ASSIGN(Matmul made, Matmul::create(context, shape));
    return std::optional<Matmul>(std::move(made));
  }

  std::size_t list_bytes() const {
    return static_cast<std::size_t>(tokens_) * sizeof(std::int32_t);
  }
  Places places() const {
    Places at;
    auto take = [&](std::size_t& place, std::int64_t count, std::size_t bytes) {
      place = at.end;
      at.end += plan::aligned(static_cast<std::size_t>(count) * bytes);
    };
    take(at.lists, tokens_, sizeof(std::int32_t));
    take(at.inverse, tokens_, sizeof(float));
    take(at.matches, tokens_, sizeof(TokenMatch));
    take(at.destinations, destination_count_, static_cast<std::size_t>(row_));
    take(at.products, stretch_ * destination_count_, sizeof(float));
    take(at.library, 1, std::max(full_->workspace_bytes(), rest_ ? rest_->workspace_bytes() : 0));
    return at;
  }
  Workspace in(void* workspace) const {
    const Places at = places();
    auto* begin = static_cast<std::byte*>(workspace);
    return {reinterpret_cast<std::int32_t*>(begin + at.lists),
            reinterpret_cast<float*>(begin + at.inverse),
            reinterpret_cast<TokenMatch*>(begin + at.matches),
            begin + at.destinations,
            reinterpret_cast<float*>(begin + at.products),
            begin + at.library};
  }
  TokenLists lists(const Workspace& at) const {
    return {at.lists, at.lists + source_count_, source_count_, destination_count_};
  }

  Status match(const std::byte* x, const Workspace& at, cudaStream_t stream) const {
    OBSCURA_TRY(check(inverse_lengths(element_of(dtype_), x, at.inverse, tokens_, width_, stream),
                      "lengths"));
    OBSCURA_TRY(check(gather_rows(x, 0, tokens_, lists(at).destinations, destination_count_, row_,
                                  at.destinations, stream),
                      "gathering destinations"));
    for (std::int64_t first = 0; first < tokens_; first += stretch_) {
      const std::int64_t count = std::min(stretch_, tokens_ - first);
      OBSCURA_TRY((count == stretch_ ? full_ : rest_)
                      ->run({.a = x + first * row_,
                             .b = at.destinations,
                             .d = at.products,
                             .workspace = at.library},
                            stream));
      OBSCURA_TRY(check(
          match_by_products(at.products, at.inverse, lists(at), first, count, at.matches, stream),
          "matching tokens"));
    }
    return {};
  }

  DType dtype_;
  std::int64_t samples_, tokens_, width_, row_;
  std::int64_t stretch_ = 0;  // tokens
  std::int32_t merged_ = 0, source_count_ = 0, destination_count_ = 0;
  PinnedMemory lists_;
  std::optional<Matmul> full_, rest_;
};

class MergeTokensKernel final : public Kernel {
 public:
  explicit MergeTokensKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)),
        x_(request.type(0).shape),
        remaining_(request.output.shape[1]) {}

  Status run(const KernelCall& call) const override {
    return check(
        mean_at_places(element_, call.input(0), static_cast<const std::int32_t*>(call.input(1)),
                       call.output(), x_[0], x_[1], remaining_, x_[2], call.stream),
        "merge_tokens");
  }

 private:
  Element element_;
  Shape x_;
  std::int64_t remaining_;
};

class SpreadTokensKernel final : public Kernel {
 public:
  explicit SpreadTokensKernel(const KernelRequest& request)
      : samples_(request.output.shape[0]),
        tokens_(request.output.shape[1]),
        remaining_(request.type(0).shape[1]),
        bytes_(row_bytes(request.output)) {}

  Status run(const KernelCall& call) const override {
    const auto* source = static_cast<const std::byte*>(call.input(0));
    const auto* places = static_cast<const std::int32_t*>(call.input(1));
    auto* target = static_cast<std::byte*>(call.output());
    for (std::int64_t n = 0; n < samples_; ++n) {
      OBSCURA_TRY(
          check(gather_rows(source + n * remaining_ * bytes_, 0, remaining_, places + n * tokens_,
                            tokens_, bytes_, target + n * tokens_ * bytes_, call.stream),
                "spread_tokens"));
    }
    return {};
  }

 private:
  std::int64_t samples_, tokens_, remaining_, bytes_;
};

const RegisterKernel kMatchTokens("match_tokens", MatchTokensKernel::create);
const RegisterKernel kMergeTokens("merge_tokens", make<MergeTokensKernel>);
const RegisterKernel kSpreadTokens("spread_tokens", make<SpreadTokensKernel>);

}  // namespace
}  // namespace obscura::backend::cuda
