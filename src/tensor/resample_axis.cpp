#include "tensor/resample_axis.h"

#include "base/check.h"
#include "tensor/parallel_parts.h"

namespace obscura {

Tensor resample_columns(const Tensor& planes, const ResampleAxis& axis) {
  Shape shape = planes.shape();
  OBSCURA_CHECK(shape[3] == axis.from(), "[resize] an axis for another width");
  shape.set(3, axis.to());
  Tensor result(shape);
  parallel_for_parts(shape[0] * shape[1] * shape[2], planes.elements() + result.elements(),
                     [&](std::int64_t row) {
                       const float* source = planes.data() + row * axis.from();
                       float* target = result.data() + row * axis.to();
                       for (std::int64_t i = 0; i < axis.to(); ++i) {
                         float sum = 0;
                         for (std::int64_t tap = 0; tap < axis.taps(); ++tap)
                           sum += axis.weight(i, tap) * source[axis.index(i, tap)];
                         target[i] = sum;
                       }
                     });
  return result;
}

Tensor resample_rows(const Tensor& planes, const ResampleAxis& axis) {
  Shape shape = planes.shape();
  OBSCURA_CHECK(shape[2] == axis.from(), "[resize] an axis for another height");
  shape.set(2, axis.to());
  std::int64_t width = shape[3];
  Tensor result(shape);
  parallel_for_parts(shape[0] * shape[1] * axis.to(), planes.elements() + result.elements(),
                     [&](std::int64_t row) {
                       std::int64_t plane = row / axis.to(), i = row % axis.to();
                       float* target = result.data() + row * width;
                       for (std::int64_t tap = 0; tap < axis.taps(); ++tap) {
                         float weight = axis.weight(i, tap);
                         if (weight == 0) continue;
                         const float* source =
                             planes.data() + (plane * axis.from() + axis.index(i, tap)) * width;
                         for (std::int64_t x = 0; x < width; ++x) target[x] += weight * source[x];
                       }
                     });
  return result;
}

}  // namespace obscura
