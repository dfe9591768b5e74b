// A Brownian motion that can be asked about any stretch of time, in any order, with the same answer
// each time.
//
// The motion over the whole span is one draw; halving an interval adds one more, a Brownian bridge
// with a seed of its own. Times are rounded to six decimals, so about 24 halvings reach any time.
// Equal to torchsde.BrownianTree (0.2.6, default tolerance;
// https://github.com/google-research/torchsde, after Li et al., arXiv:2001.01328) up to float32
// rounding.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "tensor/tensor.h"

namespace obscura::diffusion {

// Not thread safe. Remembers the draws that the last answer needed, about 50 tensors, since
// consecutive steps share most.
class BrownianTree {
 public:
  // REQUIRES: begin < end, by more than 1e-6.
  BrownianTree(double begin, double end, Shape shape, std::uint64_t entropy);

  // W(to) - W(from); the sign changes with the order. Times outside the tree count as its nearer
  // end.
  Tensor increment(double from, double to);

 private:
  // A draw: the one that halves the `index`-th of the 2^depth intervals at a depth, or kWhole.
  struct Draw {
    int depth;
    std::uint64_t index;
    auto operator<=>(const Draw&) const = default;
  };
  static constexpr Draw kWhole{-1, 0};
  // A value of the motion as a weighted sum of draws.
  using Weights = std::map<Draw, double>;

  Weights motion_at(double time) const;
  std::uint64_t seed_of(const Draw& draw) const;
  void draw_missing(const Weights& wanted);

  double begin_;
  double end_;
  Shape shape_;
  std::uint64_t entropy_;
  std::map<Draw, Tensor> drawn_;
};

}  // namespace obscura::diffusion
