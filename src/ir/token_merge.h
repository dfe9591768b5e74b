// Token merging (Bolya and Hoffman, arXiv:2303.17604): tokens of an image that are much alike are
// computed as one.
//
//   places = match_tokens(x)            which tokens become one
//   few    = merge_tokens(x, places)    their means
//   y      = spread_tokens(f(few), places)
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace obscura::ir {

// Finds the `merged` tokens of x (N, height * width, C) that are most like a destination, by the
// cosine, and merges each into the one it is most like; equals are taken in the order of tokens.
// One token of each whole 2x2 cell of the image is a destination, drawn by `draw` alike for all
// samples.
//
// Result: int32 (N, height * width), each token's place among those that remain. These keep their
// order; a merged token has its destination's place. Kernel "match_tokens".
class MatchTokensOp final : public SingleResultOp {
 public:
  struct Options {
    std::int64_t height = 0, width = 0;  // of the image
    std::int64_t merged = 0;
    std::uint32_t draw = 0;  // layers that draw apart do not all leave out the same places
  };
  explicit MatchTokensOp(Options options) : options(options) {}
  std::string_view name() const override { return "match_tokens"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  // The tokens that others may merge into, ascending; and those that may be merged.
  std::vector<std::int64_t> destinations() const;
  std::vector<std::int64_t> sources() const;
  // What a source is most like.
  struct Match {
    std::int64_t source = 0, destination = 0;  // tokens
    double cosine = 0;
  };
  // A sample's row of the result, from the matches of all sources in their order. A NaN is like
  // nothing.
  void place(std::vector<Match> matches, std::int32_t* places) const;

  const Options options;
};

ValueId match_tokens(Builder& builder, ValueId x, MatchTokensOp::Options options);

// The most that match_tokens() can merge of such an image: 0 if a side is 1.
std::int64_t mergeable_tokens(std::int64_t height, std::int64_t width);

// The mean of the tokens at each place: (N, T, C) and int32 (N, T) -> (N, remaining, C). Kernel
// "merge_tokens".
class MergeTokensOp final : public SingleResultOp {
 public:
  explicit MergeTokensOp(std::int64_t remaining) : remaining(remaining) {}
  std::string_view name() const override { return "merge_tokens"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const std::int64_t remaining;
};

ValueId merge_tokens(Builder& builder, ValueId x, ValueId places, std::int64_t remaining);

// To each token what is at its place: (N, R, C) and int32 (N, T) -> (N, T, C). Kernel
// "spread_tokens".
class SpreadTokensOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "spread_tokens"; }
  std::string text() const override { return "spread_tokens"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId spread_tokens(Builder& builder, ValueId x, ValueId places);

}  // namespace obscura::ir
