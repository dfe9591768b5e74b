// The element types that kernels compute on; sums are always float32.
#pragma once

#include "base/check.h"
#include "tensor/dtype.h"

namespace obscura::backend::cuda {

enum class Element { kF32, kF16, kBF16 };

inline Element element_of(DType dtype) {
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
