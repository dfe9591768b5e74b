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
  kBool,
  // Packed: blocks of elements with scales of their own, as GGML stores and names them
  // (tensor/packed.h).
  // NOLINTBEGIN(readability-identifier-naming)
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  // NOLINTEND(readability-identifier-naming)
  kQ2K,
  kQ3K,
  kQ4K,
  kQ5K,
  kQ6K
};

// Of one element. REQUIRES: block_of(dtype) is 1.
std::size_t size_of(DType dtype);
// Elements of a packed type's block; 1 for the other types.
std::int64_t block_of(DType dtype);
// REQUIRES: `elements` is a multiple of block_of(dtype).
std::size_t bytes_of(DType dtype, std::int64_t elements);
// The name safetensors uses: "F32", "F16", "BF16", "F8_E4M3", …; GGML's for packed types: "Q4_K".
std::string_view name_of(DType dtype);
bool is_floating(DType dtype);

// Converts `count` elements of any floating type at `source` (no alignment needed) to float32,
// exactly; kF64 is rounded, packed types as tensor/packed.h says. REQUIRES: is_floating(dtype), and
// `count` is a multiple of block_of(dtype).
void widen_to_f32(DType dtype, const std::byte* source, float* target, std::size_t count);

// Rounds to nearest, ties to even. Values beyond float16's range become infinite.
std::uint16_t f32_to_f16(float value);
std::uint16_t f32_to_bf16(float value);
float f16_to_f32(std::uint16_t bits);
float bf16_to_f32(std::uint16_t bits);

}  // namespace obscura
