#include "ir/token_merge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "tensor/tensor.h"

namespace obscura::ir {
namespace {

using Places = std::vector<std::int32_t>;

Places places_by(const MatchTokensOp& op, const Tensor& x) {
  const ValueType type{DType::kF32, x.shape()};
  const ValueType result = op.infer(std::span(&type, 1)).value();
  Places places(static_cast<std::size_t>(result.shape.elements()));
  const ConstArray input{type, x.data()};
  op.evaluate(std::span(&input, 1), {result, places.data()});
  return places;
}

// Random tokens (1, count, width).
Tensor random_tokens(std::int64_t count, std::int64_t width, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Tensor x(Shape{1, count, width});
  for (float& value : x.values()) value = normal(random);
  return x;
}

// What each token becomes, found otherwise: all pairs, the most alike first, one after another.
std::vector<std::int64_t> owners_by_pairs(const Tensor& x, const std::vector<std::int64_t>& kept,
                                          std::int64_t merged) {
  const std::int64_t tokens = x.shape()[1], width = x.shape()[2];
  auto cosine = [&](std::int64_t a, std::int64_t b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::int64_t c = 0; c < width; ++c) {
      const double u = x.data()[a * width + c], v = x.data()[b * width + c];
      ab += u * v;
      aa += u * u;
      bb += v * v;
    }
    return ab / std::sqrt(aa) / std::sqrt(bb);
  };
  const std::set<std::int64_t> fixed(kept.begin(), kept.end());
  std::vector<std::int64_t> owner;
  for (std::int64_t token = 0; token < tokens; ++token) owner.push_back(token);
  std::set<std::int64_t> gone;
  while (static_cast<std::int64_t>(gone.size()) < merged) {
    double most = -2;
    std::pair<std::int64_t, std::int64_t> found;
    for (std::int64_t token = 0; token < tokens; ++token) {
      if (fixed.count(token) + gone.count(token) > 0) continue;
      for (std::int64_t other : kept) {
        if (cosine(token, other) <= most) continue;
        most = cosine(token, other);
        found = {token, other};
      }
    }
    owner[static_cast<std::size_t>(found.first)] = found.second;
    gone.insert(found.first);
  }
  return owner;
}

TEST(MatchTokens, MergesTheMostAlikeFirst) {
  for (auto [height, width, merged] : {std::tuple(6, 4, 10), {5, 7, 20}, {2, 3, 1}, {4, 4, 12}}) {
    const MatchTokensOp op(
        {.height = height, .width = width, .merged = merged, .draw = static_cast<unsigned>(width)});
    const Tensor x = random_tokens(height * width, 5, 1);
    const auto owners = owners_by_pairs(x, op.destinations(), merged);
    const Places places = places_by(op, x);
    std::int32_t next = 0;
    for (std::size_t token = 0; token < places.size(); ++token) {
      const auto owner = static_cast<std::size_t>(owners[token]);
      EXPECT_EQ(places[token], owner == token ? next++ : places[owner]) << token;
    }
    EXPECT_EQ(next, height * width - merged);
  }
}

TEST(MatchTokens, TakesOneDestinationOfEachWholeCell) {
  std::set<std::vector<std::int64_t>> seen;
  for (std::uint32_t draw = 0; draw < 8; ++draw) {
    const MatchTokensOp op({.height = 5, .width = 7, .merged = 1, .draw = draw});
    std::set<std::int64_t> cells;
    for (std::int64_t token : op.destinations()) {
      EXPECT_LT(token / 7, 4);
      EXPECT_LT(token % 7, 6);
      cells.insert(token / 7 / 2 * 3 + token % 7 / 2);
    }
    EXPECT_EQ(cells.size(), 6u);
    EXPECT_EQ(op.destinations().size() + op.sources().size(), 35u);
    seen.insert(op.destinations());
  }
  EXPECT_EQ(seen.size(), 8u) << "layers draw apart";
}

TEST(MatchTokens, FindsAPlaceForTokensThatAreNothing) {
  const MatchTokensOp op({.height = 2, .width = 2, .merged = 3});
  EXPECT_EQ(places_by(op, Tensor(Shape{1, 4, 3})), Places(4));
  EXPECT_EQ(places_by(op, Tensor::filled(Shape{1, 4, 3}, NAN)), Places(4));
}

TEST(MatchTokens, RefusesWhatCannotBeMerged) {
  EXPECT_EQ(mergeable_tokens(4, 6), 18);
  EXPECT_EQ(mergeable_tokens(3, 5), 13);
  EXPECT_EQ(mergeable_tokens(1, 9), 0);
  const ValueType x{DType::kF32, Shape{1, 16, 4}};
  auto refusal = [&](MatchTokensOp::Options options) {
    auto type = MatchTokensOp(options).infer(std::span(&x, 1));
    return type.ok() ? "" : type.error().message();
  };
  EXPECT_EQ(refusal({.height = 4, .width = 4, .merged = 13}),
            "[match_tokens] of 4x4 tokens 1 to 12 can be merged, not 13");
  EXPECT_EQ(refusal({.height = 4, .width = 5, .merged = 1}),
            "[match_tokens] input 0 wants (N, 20, C), got F32 1x16x4");
}

TEST(MergeTokens, TakesMeansAndGivesThemBack) {
  const Tensor x(Shape{2, 3, 2}, {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60});
  const Places places = {0, 1, 0, 1, 0, 0};
  const ConstArray inputs[] = {{{DType::kF32, x.shape()}, x.data()},
                               {{DType::kI32, Shape{2, 3}}, places.data()}};
  Tensor few(Shape{2, 2, 2});
  MergeTokensOp(2).evaluate(inputs, {{DType::kF32, few.shape()}, few.data()});
  EXPECT_EQ(std::vector<float>(few.values().begin(), few.values().end()),
            (std::vector<float>{3, 4, 3, 4, 40, 50, 10, 20}));

  Tensor y(x.shape());
  const ConstArray spread[] = {{{DType::kF32, few.shape()}, few.data()}, inputs[1]};
  SpreadTokensOp().evaluate(spread, {{DType::kF32, y.shape()}, y.data()});
  EXPECT_EQ(std::vector<float>(y.values().begin(), y.values().end()),
            (std::vector<float>{3, 4, 3, 4, 3, 4, 10, 20, 40, 50, 40, 50}));
}

TEST(MergeTokens, NamesPlacesThatDoNotFit) {
  const ValueType x{DType::kF32, Shape{2, 3, 4}};
  const ValueType floats[] = {x, {DType::kF32, Shape{2, 3}}};
  EXPECT_EQ(MergeTokensOp(2).infer(floats).error().message(),
            "[merge_tokens] input 1 wants a place for each token of each sample, got F32 2x3");
  const ValueType few[] = {x, {DType::kI32, Shape{2, 2}}};
  EXPECT_EQ(MergeTokensOp(2).infer(few).error().message(),
            "[merge_tokens] input 1 wants a place a token, got I32 2x2");
}

}  // namespace
}  // namespace obscura::ir
