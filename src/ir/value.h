// What flows through a graph: identifiers, types, and references to stored weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace obscura::ir {

// Index of a value in its Graph. kNoValue stands for "no such operand" and for what a Builder
// returns after an error.
enum class ValueId : std::int32_t {};
inline constexpr ValueId kNoValue{-1};
inline std::size_t index_of(ValueId id) {
  return static_cast<std::size_t>(id);
}

// Values are dense and row-major. Images are (N, H, W, C): a token view (N, H*W, C) of one is a
// reshape.
struct ValueType {
  DType dtype = DType::kF32;
  Shape shape;

  std::size_t bytes() const { return static_cast<std::size_t>(shape.elements()) * size_of(dtype); }
  std::string text() const { return std::string(name_of(dtype)) + " " + shape.text(); }
  bool operator==(const ValueType&) const = default;
};

// A weight as the checkpoint stores it, under its own names, or several of them joined along the
// outermost axis (merged q, k, v). The shape may regroup the elements (a 1x1 convolution used as a
// Linear), never reorder them.
struct WeightSpec {
  std::vector<std::string> parts;
  Shape shape;
  // Whose tensors the parts are: "" is the network's own store, other names are those of a control
  // network, an adapter, ...
  std::string source;

  // "a + b", or "source: a + b".
  std::string text() const {
    std::string joined;
    for (const std::string& part : parts) joined += (joined.empty() ? "" : " + ") + part;
    return source.empty() ? joined : source + ": " + joined;
  }
  bool operator==(const WeightSpec&) const = default;
};

}  // namespace obscura::ir
