// Linear resampling of one axis: each new pixel is a weighted sum of some old ones.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace obscura {

class ResampleAxis {
 public:
  // At most `taps` old pixels for each of the `to` new ones.
  ResampleAxis(std::int64_t from, std::int64_t to, std::int64_t taps)
      : from_(from),
        to_(to),
        taps_(taps),
        indices_(static_cast<std::size_t>(to * taps)),
        weights_(indices_.size()) {}

  std::int64_t from() const { return from_; }
  std::int64_t to() const { return to_; }
  std::int64_t taps() const { return taps_; }

  // Pixels beyond the border count as the border's.
  void set(std::int64_t i, std::int64_t tap, std::int64_t index, float weight) {
    auto place = static_cast<std::size_t>(i * taps_ + tap);
    indices_[place] = static_cast<std::int32_t>(std::clamp<std::int64_t>(index, 0, from_ - 1));
    weights_[place] = weight;
  }
  std::int32_t index(std::int64_t i, std::int64_t tap) const {
    return indices_[static_cast<std::size_t>(i * taps_ + tap)];
  }
  float weight(std::int64_t i, std::int64_t tap) const {
    return weights_[static_cast<std::size_t>(i * taps_ + tap)];
  }

 private:
  std::int64_t from_, to_, taps_;
  std::vector<std::int32_t> indices_;  // unused taps have index 0 and weight 0
  std::vector<float> weights_;
};

// (B, C, H, W) with W, or H, resampled. REQUIRES: the axis' `from` is that size.
Tensor resample_columns(const Tensor& planes, const ResampleAxis& axis);
Tensor resample_rows(const Tensor& planes, const ResampleAxis& axis);

}  // namespace obscura
