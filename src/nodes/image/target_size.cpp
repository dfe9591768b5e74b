#include "nodes/image/target_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/image.h"
#include "nodes/host_memory.h"

namespace obscura::nodes {
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

ResizeCrop crop_of(const std::string& name) {
  return name == "center" ? ResizeCrop::kCenter : ResizeCrop::kDisabled;
}

Status check_target(const graph::NodeCall& call, std::string_view what, std::int64_t planes,
                    Size size) {
  if (size.width < 1 || size.height < 1 || size.width > io::kMaxImageSide ||
      size.height > io::kMaxImageSide) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted sides from 1 to {} {}, found {}x{}", io::kMaxImageSide, what,
                             size.width, size.height));
  }
  return check_fits(call, what, {planes, size.height, size.width});
}

}  // namespace obscura::nodes
