#include "ir/token_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tensor/philox.h"

namespace obscura::ir {
namespace {

constexpr std::int64_t kCell = 2;  // tokens along a side

double dot_product(const float* a, const float* b, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Of a token that is nothing but zeros: 0.
double cosine(const float* a, const float* b, std::int64_t count) {
  const double lengths = std::sqrt(dot_product(a, a, count) * dot_product(b, b, count));
  return lengths > 0 ? dot_product(a, b, count) / lengths : 0;
}

Status check_places(const Op& op, std::span<const ValueType> inputs) {
  if (inputs[0].shape.rank() != 3) return operand_error(op, 0, "(N, T, C)", inputs[0]);
  const ValueType& places = inputs[1];
  if (places.dtype != DType::kI32 || places.shape.rank() != 2 ||
      places.shape[0] != inputs[0].shape[0])
    return operand_error(op, 1, "a place for each token of each sample", places);
  return {};
}

}  // namespace

std::string MatchTokensOp::text() const {
  return fmt::format("match_tokens {}x{} merged={} draw={}", options.height, options.width,
                     options.merged, options.draw);
}

Result<ValueType> MatchTokensOp::infer(std::span<const ValueType> inputs) const {
  const Shape& x = inputs[0].shape;
  const std::int64_t tokens = options.height * options.width;
  if (x.rank() != 3 || x[1] != tokens)
    return operand_error(*this, 0, fmt::format("(N, {}, C)", tokens), inputs[0]);
  const std::int64_t most = mergeable_tokens(options.height, options.width);
  if (options.merged < 1 || options.merged > most) {
    return shape_error(*this, fmt::format("of {}x{} tokens 1 to {} can be merged, not {}",
                                          options.height, options.width, most, options.merged));
  }
  return ValueType{DType::kI32, Shape{x[0], tokens}};
}

std::vector<std::int64_t> MatchTokensOp::destinations() const {
  const std::int64_t rows = options.height / kCell, columns = options.width / kCell;
  std::vector<std::int64_t> tokens;
  for (std::int64_t cell = 0; cell < rows * columns; ++cell) {
    const std::uint32_t corner =
        philox4x32({static_cast<std::uint32_t>(cell)}, {options.draw})[0] % (kCell * kCell);
    const std::int64_t y = cell / columns * kCell + corner / kCell,
                       x = cell % columns * kCell + corner % kCell;
    tokens.push_back(y * options.width + x);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::vector<std::int64_t> MatchTokensOp::sources() const {
  const std::vector<std::int64_t> kept = destinations();
  std::vector<std::int64_t> tokens;
  for (std::int64_t token = 0; token < options.height * options.width; ++token)
    if (!std::binary_search(kept.begin(), kept.end(), token)) tokens.push_back(token);
  return tokens;
}

void MatchTokensOp::place(std::vector<Match> matches, std::int32_t* places) const {
  for (Match& match : matches)
    if (std::isnan(match.cosine)) match.cosine = -1;
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Match& a, const Match& b) { return a.cosine > b.cosine; });
  matches.resize(static_cast<std::size_t>(options.merged));
  const std::int64_t tokens = options.height * options.width;
  std::fill_n(places, tokens, 0);
  for (const Match& match : matches) places[match.source] = -1;
  std::int32_t next = 0;
  for (std::int64_t token = 0; token < tokens; ++token)
    if (places[token] == 0) places[token] = next++;
  for (const Match& match : matches) places[match.source] = places[match.destination];
}

void MatchTokensOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const std::int64_t tokens = inputs[0].size(1), width = inputs[0].size(2);
  const std::vector<std::int64_t> candidates = destinations();
  for (std::int64_t n = 0; n < inputs[0].size(0); ++n) {
    const float* x = inputs[0].f32() + n * tokens * width;
    std::vector<Match> matches;
    for (std::int64_t source : sources()) {
      Match best{source, candidates.front(), -1};
      for (std::int64_t candidate : candidates) {
        const double likeness = cosine(x + source * width, x + candidate * width, width);
        if (likeness > best.cosine) best = {source, candidate, likeness};
      }
      matches.push_back(best);
    }
    place(std::move(matches), output.i32() + n * tokens);
  }
}

ValueId match_tokens(Builder& builder, ValueId x, MatchTokensOp::Options options) {
  return builder.add(std::make_shared<MatchTokensOp>(options), {x});
}

std::int64_t mergeable_tokens(std::int64_t height, std::int64_t width) {
  if (height < kCell || width < kCell) return 0;
  return height * width - (height / kCell) * (width / kCell);
}

std::string MergeTokensOp::text() const {
  return fmt::format("merge_tokens to {}", remaining);
}

Result<ValueType> MergeTokensOp::infer(std::span<const ValueType> inputs) const {
  OBSCURA_TRY(check_places(*this, inputs));
  const Shape& x = inputs[0].shape;
  if (inputs[1].shape[1] != x[1]) return operand_error(*this, 1, "a place a token", inputs[1]);
  return ValueType{inputs[0].dtype, Shape{x[0], remaining, x[2]}};
}

void MergeTokensOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const std::int64_t tokens = inputs[0].size(1), width = inputs[0].size(2);
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    const std::int32_t* places = inputs[1].i32() + n * tokens;
    std::vector<double> sums(static_cast<std::size_t>(remaining * width));
    std::vector<int> counts(static_cast<std::size_t>(remaining));
    for (std::int64_t token = 0; token < tokens; ++token) {
      ++counts[static_cast<std::size_t>(places[token])];
      for (std::int64_t c = 0; c < width; ++c)
        sums[static_cast<std::size_t>(places[token] * width + c)] +=
            inputs[0].f32()[(n * tokens + token) * width + c];
    }
    for (std::int64_t i = 0; i < remaining * width; ++i)
      output.f32()[n * remaining * width + i] = static_cast<float>(
          sums[static_cast<std::size_t>(i)] / counts[static_cast<std::size_t>(i / width)]);
  }
}

ValueId merge_tokens(Builder& builder, ValueId x, ValueId places, std::int64_t remaining) {
  return builder.add(std::make_shared<MergeTokensOp>(remaining), {x, places});
}

Result<ValueType> SpreadTokensOp::infer(std::span<const ValueType> inputs) const {
  OBSCURA_TRY(check_places(*this, inputs));
  const Shape& x = inputs[0].shape;
  return ValueType{inputs[0].dtype, Shape{x[0], inputs[1].shape[1], x[2]}};
}

void SpreadTokensOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const std::int64_t width = output.size(2);
  float* to = output.f32();
  for (std::int64_t i = 0; i < output.size(0) * output.size(1); ++i, to += width) {
    const std::int64_t first = i / output.size(1) * inputs[0].size(1);
    std::copy_n(inputs[0].f32() + (first + inputs[1].i32()[i]) * width, width, to);
  }
}

ValueId spread_tokens(Builder& builder, ValueId x, ValueId places) {
  return builder.add(std::make_shared<SpreadTokensOp>(), {x, places});
}

}  // namespace obscura::ir
