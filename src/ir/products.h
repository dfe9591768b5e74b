// What a node's operands are rounded to before they are multiplied.
//
// Values between nodes stay of their types, and sums are float32 or int32. It is no cast in the
// graph: int8 and fp8 have a scale for each row, which no type of a value carries; and a kernel
// rounds on the way in, block by block, what as a value would be one more buffer.
#pragma once

#include <cstdint>
#include <string_view>

namespace obscura::ir {

enum class Products : std::uint8_t { kAsTheyAre, kBF16, kInt8, kFp8 };

// "as they are", "bf16", "int8", "fp8".
constexpr std::string_view name_of(Products products) {
  switch (products) {
    case Products::kAsTheyAre:
      return "as they are";
    case Products::kBF16:
      return "bf16";
    case Products::kInt8:
      return "int8";
    case Products::kFp8:
      return "fp8";
  }
  return "as they are";
}

}  // namespace obscura::ir
