// Sizes of a tensor's axes, outermost first. At most six axes, none negative; a scalar has none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace obscura {

class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes)
      : Shape(std::span(sizes.begin(), sizes.size())) {}
  // REQUIRES: sizes.size() <= kMaxRank and no size is negative. Untrusted sizes are checked before
  // they get here.
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  // `axis` may count from the end: -1 is the innermost. REQUIRES: -rank() <= axis < rank().
  std::int64_t operator[](int axis) const {
    return sizes_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)];
  }
  void set(int axis, std::int64_t size) {
    sizes_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)] = size;
  }
  std::int64_t elements() const;
  std::span<const std::int64_t> sizes() const {
    return {sizes_.data(), static_cast<std::size_t>(rank_)};
  }

  bool operator==(const Shape& other) const = default;

  // "2x64x64x320"; "scalar" for rank 0.
  std::string text() const;

 private:
  std::array<std::int64_t, kMaxRank>
      sizes_{};  // entries from rank_ on stay 0, so that == may compare all
  int rank_ = 0;
};

}  // namespace obscura
