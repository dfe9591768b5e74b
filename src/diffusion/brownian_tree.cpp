#include "diffusion/brownian_tree.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "diffusion/latent_math.h"
#include "diffusion/seed_sequence.h"
#include "tensor/parallel_parts.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

// Correctly rounded to six decimals, as Python's round(time, 6). Through text, because the tie
// cases of a midpoint depend on the exact binary value.
double round_time(double time) {
  std::array<char, 64> text;
  auto end =
      std::to_chars(text.data(), text.data() + text.size(), time, std::chars_format::fixed, 6).ptr;
  double rounded = 0;
  std::from_chars(text.data(), end, rounded);
  return rounded;
}

}  // namespace

BrownianTree::BrownianTree(double begin, double end, Shape shape, std::uint64_t entropy)
    : begin_(round_time(begin)), end_(round_time(end)), shape_(shape), entropy_(entropy) {
  OBSCURA_CHECK(begin_ < end_, "a Brownian tree over no time");
}

// Descends to the time. On the way `interval` holds the increment over the current interval and
// `motion` the value at its begin, both as weighted sums of draws.
BrownianTree::Weights BrownianTree::motion_at(double time) const {
  Weights motion;
  Weights interval = {{kWhole, std::sqrt(end_ - begin_)}};
  double begin = begin_, end = end_;
  Draw split{0, 0};
  while (time > begin) {
    if (time >= end) {
      for (const auto& [draw, weight] : interval) motion[draw] += weight;
      break;
    }
    double middle = round_time(0.5 * (begin + end));
    double share = (middle - begin) / (end - begin);
    Weights left = interval, right = interval;
    for (auto& [draw, weight] : left) weight *= share;
    for (auto& [draw, weight] : right) weight *= 1 - share;
    double deviation = std::sqrt((middle - begin) * (end - middle) / (end - begin));
    left[split] = deviation;
    right[split] = -deviation;

    bool goes_right = time >= middle;
    if (goes_right) {
      for (const auto& [draw, weight] : left) motion[draw] += weight;
    }
    interval = goes_right ? std::move(right) : std::move(left);
    (goes_right ? begin : end) = middle;
    split = {split.depth + 1, 2 * split.index + (goes_right ? 1 : 0)};
  }
  return motion;
}

std::uint64_t BrownianTree::seed_of(const Draw& draw) const {
  if (draw == kWhole) return seed_sequence_state(entropy_, {})[0];
  std::array<std::uint64_t, 2> key = {draw.index, static_cast<std::uint64_t>(draw.depth)};
  return seed_sequence_state(entropy_, key)[0];
}

void BrownianTree::draw_missing(const Weights& wanted) {
  std::erase_if(drawn_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  std::vector<std::pair<Draw, Tensor>> missing;
  for (const auto& [draw, weight] : wanted) {
    if (!drawn_.contains(draw)) missing.emplace_back(draw, Tensor(shape_));
  }
  auto count = static_cast<std::int64_t>(missing.size());
  parallel_for_parts(count, count * shape_.elements(), [&](std::int64_t i) {
    auto& [draw, tensor] = missing[static_cast<std::size_t>(i)];
    TorchGenerator(seed_of(draw)).randn(tensor.values());
  });
  drawn_.insert(missing.begin(), missing.end());
}

Tensor BrownianTree::increment(double from, double to) {
  Weights weights = motion_at(round_time(std::clamp(to, begin_, end_)));
  for (const auto& [draw, weight] : motion_at(round_time(std::clamp(from, begin_, end_)))) {
    weights[draw] -= weight;
  }
  draw_missing(weights);
  std::vector<Term> terms;
  for (const auto& [draw, weight] : weights) terms.push_back({weight, drawn_.at(draw)});
  return terms.empty() ? Tensor(shape_) : weighted_sum(terms);
}

}  // namespace obscura::diffusion
