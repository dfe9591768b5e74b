#include "tensor/shape.h"

#include <algorithm>

#include "base/check.h"

namespace obscura {

Shape::Shape(std::span<const std::int64_t> sizes) : rank_(static_cast<int>(sizes.size())) {
  OBSCURA_CHECK(sizes.size() <= kMaxRank, "a shape of more than six axes");
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  for (std::int64_t size : sizes) OBSCURA_CHECK(size >= 0, "a shape with a negative size");
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (std::int64_t size : sizes()) product *= size;
  return product;
}

std::string Shape::text() const {
  if (rank_ == 0) return "scalar";
  std::string text;
  for (std::int64_t size : sizes()) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

}  // namespace obscura
