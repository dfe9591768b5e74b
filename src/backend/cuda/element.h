// The element types that kernels compute on; sums are always float32.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace obscura::backend::cuda {

enum class Element { kF32, kF16, kBF16 };

// REQUIRES: one of the three.
Element element_of(DType dtype);

constexpr std::size_t size_of(Element element) {
  return element == Element::kF32 ? 4 : 2;
}

}  // namespace obscura::backend::cuda
