// Sizes of resized images, by ComfyUI's rules.
#pragma once

#include <cstdint>

namespace obscura::image {

struct Size {
  std::int64_t width = 0, height = 0;
};

// A side that is 0 follows from the other by the proportions of `from`; none is below `smallest`.
Size completed(Size wanted, Size from, std::int64_t smallest);
// Each side times `factor`, rounded half to even.
Size scaled(Size from, double factor);

}  // namespace obscura::image
