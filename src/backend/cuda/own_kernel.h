// What the classes of our own kernels share: they compute on operands of one element type.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "backend/cuda/element.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/status.h"

namespace obscura::backend::cuda {

// Of a row of the innermost axis.
inline std::int64_t row_bytes(const ir::ValueType& type) {
  return type.shape[-1] * static_cast<std::int64_t>(size_of(type.dtype));
}

// kUnsupported where floating operands are of several types.
inline Status of_one_type(const KernelRequest& request) {
  const ir::ValueType* first = nullptr;
  for (const ir::ValueType& type : request.inputs) {
    if (!is_floating(type.dtype)) continue;
    if (first == nullptr) first = &type;
    if (type.dtype == first->dtype) continue;
    return Error(ErrorKind::kUnsupported, "[" + std::string(request.op->name()) +
                                              "] wants operands of one type on CUDA, got " +
                                              first->text() + " and " + type.text());
  }
  return {};
}

// A factory.
template <class Made>
Result<std::unique_ptr<Kernel>> make(const KernelRequest& request) {
  OBSCURA_TRY(of_one_type(request));
  return std::unique_ptr<Kernel>(std::make_unique<Made>(request));
}

}  // namespace obscura::backend::cuda
