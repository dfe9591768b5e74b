#include "image/size.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace obscura::image {
namespace {

std::int64_t proportional(std::int64_t side, std::int64_t other, std::int64_t wanted_other) {
  double value =
      static_cast<double>(side) * static_cast<double>(wanted_other) / static_cast<double>(other);
  return static_cast<std::int64_t>(std::nearbyint(value));
}

}  // namespace

Size completed(Size wanted, Size from, std::int64_t smallest) {
  if (wanted.width != 0) wanted.width = std::max(smallest, wanted.width);
  if (wanted.height != 0) wanted.height = std::max(smallest, wanted.height);
  if (wanted.width == 0) {
    wanted.width = std::max(smallest, proportional(from.width, from.height, wanted.height));
  } else if (wanted.height == 0) {
    wanted.height = std::max(smallest, proportional(from.height, from.width, wanted.width));
  }
  return wanted;
}

Size scaled(Size from, double factor) {
  auto side = [&](std::int64_t length) {
    return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(length) * factor));
  };
  return {side(from.width), side(from.height)};
}

}  // namespace obscura::image
