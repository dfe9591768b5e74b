// The size that a network on images is built for.
#pragma once

#include <cstdint>
#include <string_view>

#include "checkpoint/network_kind.h"

namespace obscura::checkpoint {

struct ImageShape {
  std::int64_t batch = 1, height = 0, width = 0;
};

// Of this input; where it is not given, a small one whose sides are multiples of `multiple`.
inline ImageShape image_shape(const InputShapes& inputs, std::string_view name,
                              std::int64_t multiple = 1) {
  constexpr std::int64_t kSide = 8;
  auto given = inputs.find(name);
  if (given == inputs.end()) return {1, kSide * multiple, kSide * multiple};
  return {given->second[0], given->second[1], given->second[2]};
}

}  // namespace obscura::checkpoint
