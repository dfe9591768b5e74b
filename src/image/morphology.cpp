#include "image/morphology.h"

#include <cstdint>
#include <string>

#include "image/mask.h"
#include "tensor/resize.h"
#include "tensor/tensor.h"

namespace obscura::image {
namespace {

Tensor negated(const Tensor& tensor) {
  Tensor result = tensor.clone();
  for (float& value : result.values()) value = -value;
  return result;
}

Tensor difference(const Tensor& a, const Tensor& b) {
  Tensor result = a.clone();
  for (std::int64_t i = 0; i < a.elements(); ++i) result.data()[i] -= b.data()[i];
  return result;
}

}  // namespace

Tensor morphology(const Tensor& images, const std::string& operation, std::int64_t size) {
  const std::int64_t before = size / 2, after = size - 1 - size / 2;
  const Tensor planes = planes_of_image(images);
  const Shape& s = planes.shape();
  const Tensor image = planes.reshaped({s[0] * s[1], s[2], s[3]});
  auto dilated = [&](const Tensor& tensor) { return dilate(tensor, before, after); };
  auto eroded = [&](const Tensor& tensor) {
    return negated(dilate(negated(tensor), before, after));
  };
  Tensor result = operation == "erode"        ? eroded(image)
                  : operation == "dilate"     ? dilated(image)
                  : operation == "open"       ? dilated(eroded(image))
                  : operation == "close"      ? eroded(dilated(image))
                  : operation == "gradient"   ? difference(dilated(image), eroded(image))
                  : operation == "bottom_hat" ? difference(eroded(dilated(image)), image)
                                              : difference(image, dilated(eroded(image)));
  return image_of_planes(result.reshaped(s));
}

}  // namespace obscura::image
