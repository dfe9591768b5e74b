#include "backend/cuda/element.h"

#include <string>

#include "base/check.h"

namespace obscura::backend::cuda {

Element element_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return Element::kF32;
    case DType::kF16:
      return Element::kF16;
    case DType::kBF16:
      return Element::kBF16;
    default:
      OBSCURA_CHECK(false, "no kernel computes on " + std::string(name_of(dtype)));
      return Element::kF32;
  }
}

}  // namespace obscura::backend::cuda
