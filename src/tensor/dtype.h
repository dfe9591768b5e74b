// Element types of tensors and of stored weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace obscura {

enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kF8E4M3,
  kF8E5M2,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool
};

std::size_t size_of(DType dtype);
// The name safetensors uses: "F32", "F16", "BF16", "F8_E4M3", …
std::string_view name_of(DType dtype);
bool is_floating(DType dtype);

// Converts `count` elements of any floating type at `source` (no alignment needed) to float32,
// exactly. REQUIRES: is_floating(dtype) and dtype is not kF64, or kF64 values that float32 holds
// after rounding.
void widen_to_f32(DType dtype, const std::byte* source, float* target, std::size_t count);

// Rounds to nearest, ties to even. Values beyond float16's range become infinite.
std::uint16_t f32_to_f16(float value);
std::uint16_t f32_to_bf16(float value);
float f16_to_f32(std::uint16_t bits);
float bf16_to_f32(std::uint16_t bits);

}  // namespace obscura
