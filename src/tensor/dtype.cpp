#include "tensor/dtype.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tensor/packed.h"

namespace obscura {
namespace {

struct DTypeInfo {
  std::string_view name;
  std::size_t size;  // of a block
  bool floating;
  std::int64_t block = 1;
};

// In the order of the enumeration.
constexpr DTypeInfo kInfo[] = {
    {"F32", 4, true},         {"F16", 2, true},         {"BF16", 2, true},
    {"F64", 8, true},         {"F8_E4M3", 1, true},     {"F8_E5M2", 1, true},
    {"I64", 8, false},        {"I32", 4, false},        {"I16", 2, false},
    {"I8", 1, false},         {"U8", 1, false},         {"BOOL", 1, false},
    {"Q4_0", 18, true, 32},   {"Q4_1", 20, true, 32},   {"Q5_0", 22, true, 32},
    {"Q5_1", 24, true, 32},   {"Q8_0", 34, true, 32},   {"Q2_K", 84, true, 256},
    {"Q3_K", 110, true, 256}, {"Q4_K", 144, true, 256}, {"Q5_K", 176, true, 256},
    {"Q6_K", 210, true, 256},
};

const DTypeInfo& info(DType dtype) {
  return kInfo[static_cast<std::size_t>(dtype)];
}

// Branch-free, so that the compiler vectorises it: a float16's exponent and mantissa are moved to
// float32's place and scaled by 2^112, which also makes its subnormals right; infinities and NaNs
// get float32's exponent.
inline float f16_bits_to_f32(std::uint32_t half) {
  std::uint32_t magnitude = (half & 0x7fffu) << 13;
  float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(scaled);
  bits |= (half & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
  return std::bit_cast<float>(bits | (half & 0x8000u) << 16);
}

template <class Bits, class Convert>
inline void convert_all(const std::byte* source, float* target, std::size_t count,
                        Convert convert) {
  for (std::size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, source + i * sizeof(Bits), sizeof(Bits));
    target[i] = convert(bits);
  }
}

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
void widen_f16(const std::byte* source, float* target, std::size_t count) {
  convert_all<std::uint16_t>(source, target, count, f16_bits_to_f32);
}

float f8e4m3_to_f32(std::uint8_t bits) {  // no infinities; S.1111.111 is NaN
  int exponent = bits >> 3 & 15, mantissa = bits & 7;
  float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                  : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  if ((bits & 0x7f) == 0x7f) magnitude = std::nanf("");
  return bits & 0x80 ? -magnitude : magnitude;
}

}  // namespace

std::size_t size_of(DType dtype) {
  OBSCURA_CHECK(info(dtype).block == 1, "an element of a packed type has no size");
  return info(dtype).size;
}
std::int64_t block_of(DType dtype) {
  return info(dtype).block;
}
std::size_t bytes_of(DType dtype, std::int64_t elements) {
  OBSCURA_CHECK(elements % info(dtype).block == 0, "packed elements come in whole blocks");
  return info(dtype).size * static_cast<std::size_t>(elements / info(dtype).block);
}
std::string_view name_of(DType dtype) {
  return info(dtype).name;
}
bool is_floating(DType dtype) {
  return info(dtype).floating;
}

float f16_to_f32(std::uint16_t bits) {
  return f16_bits_to_f32(bits);
}
float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t f32_to_bf16(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

std::uint16_t f32_to_f16(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  float magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (magnitude >= 65520.0f) return sign | 0x7c00;  // the first value that rounds past 65504
  if (magnitude < 0x1p-14f) {                       // subnormal: a multiple of 2^-24
    return sign | static_cast<std::uint16_t>(std::nearbyint(magnitude * 0x1p24f));
  }
  std::uint32_t rounded = (bits & 0x7fffffff) + 0xfff + (bits >> 13 & 1);
  return sign | static_cast<std::uint16_t>((rounded >> 13) - (112 << 10));
}

void widen_to_f32(DType dtype, const std::byte* source, float* target, std::size_t count) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(target, source, count * sizeof(float));
      return;
    case DType::kF16:
      widen_f16(source, target, count);
      return;
    case DType::kBF16:
      convert_all<std::uint16_t>(source, target, count, bf16_to_f32);
      return;
    case DType::kF64:
      convert_all<double>(source, target, count,
                          [](double value) { return static_cast<float>(value); });
      return;
    case DType::kF8E4M3:
      convert_all<std::uint8_t>(source, target, count, f8e4m3_to_f32);
      return;
    case DType::kF8E5M2:  // float16 with eight mantissa bits fewer
      convert_all<std::uint8_t>(source, target, count,
                                [](std::uint8_t bits) { return f16_bits_to_f32(bits << 8u); });
      return;
    default:
      OBSCURA_CHECK(block_of(dtype) > 1, "widen_to_f32 of an integer type");
      unpack_to_f32(dtype, source, target, count);
  }
}

}  // namespace obscura
