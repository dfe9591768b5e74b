#include "nodes/image/target_size.h"

#include <fmt/format.h>

#include "io/image.h"
#include "nodes/host_memory.h"

namespace obscura::nodes {
ResizeCrop crop_of(const std::string& name) {
  return name == "center" ? ResizeCrop::kCenter : ResizeCrop::kDisabled;
}

Status check_target(const graph::NodeCall& call, std::string_view what, std::int64_t planes,
                    image::Size size) {
  if (size.width < 1 || size.height < 1 || size.width > io::kMaxImageSide ||
      size.height > io::kMaxImageSide) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted sides from 1 to {} {}, found {}x{}", io::kMaxImageSide, what,
                             size.width, size.height));
  }
  return check_fits(call, what, {planes, size.height, size.width});
}

}  // namespace obscura::nodes
