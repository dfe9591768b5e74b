#include "io/samples.h"

#include <limits>

#include "base/check.h"
#include "base/parallel.h"

namespace obscura::io {
namespace {

template <class Sample>
Tensor scaled(std::span<const Sample> samples, const Shape& shape) {
  OBSCURA_CHECK(static_cast<std::int64_t>(samples.size()) == shape.elements(),
                "samples do not fill " + shape.text());
  constexpr auto kLargest = static_cast<float>(std::numeric_limits<Sample>::max());
  Tensor pixels(shape);
  const Sample* source = samples.data();
  float* target = pixels.data();
  parallel_for(shape.elements(),
               [=](std::int64_t i) { target[i] = static_cast<float>(source[i]) / kLargest; });
  return pixels;
}

}  // namespace

Tensor unit_floats(std::span<const std::uint8_t> samples, const Shape& shape) {
  return scaled(samples, shape);
}
Tensor unit_floats(std::span<const std::uint16_t> samples, const Shape& shape) {
  return scaled(samples, shape);
}

}  // namespace obscura::io
