#include "tensor/packed.h"

#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace obscura {
namespace {

using Byte = std::uint8_t;

float half_at(const Byte* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  return f16_to_f32(bits);
}

// Blocks of 32: a scale, for _1 types a minimum, for 5 bits the fifth bits of all elements, then
// the low four bits: elements 0 to 15 in the lower halves of the bytes, 16 to 31 in the upper.
template <bool kMinimum, bool kFifthBit>
void unpack_32(const Byte* block, float* y) {
  const float scale = half_at(block);
  block += 2;
  float minimum = 0;
  if constexpr (kMinimum) {
    minimum = half_at(block);
    block += 2;
  }
  std::uint32_t fifth = 0;
  if constexpr (kFifthBit) {
    std::memcpy(&fifth, block, sizeof(fifth));
    block += sizeof(fifth);
  }
  constexpr int kZero = kMinimum ? 0 : kFifthBit ? 16 : 8;
  for (unsigned j = 0; j < 32; ++j) {
    unsigned low = j < 16 ? block[j] & 15u : block[j - 16] >> 4u;
    int q = static_cast<int>(low | (fifth >> j & 1u) << 4u) - kZero;
    y[j] = static_cast<float>(q) * scale + minimum;
  }
}

void unpack_q8_0(const Byte* block, float* y) {
  const float scale = half_at(block);
  for (int j = 0; j < 32; ++j)
    y[j] = static_cast<float>(static_cast<std::int8_t>(block[2 + j])) * scale;
}

// 16 scales and minima of 4 bits, 64 bytes of 2 bits, the scales' scale and the minima's.
void unpack_q2k(const Byte* block, float* y) {
  const Byte *scales = block, *q = block + 16;
  const float d = half_at(block + 80), minimum = half_at(block + 82);
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, shift = i / 32 % 4 * 2;
    Byte s = scales[i / 16];
    float low = minimum * static_cast<float>(s >> 4);
    y[i] = d * static_cast<float>(s & 15) * static_cast<float>(q[half * 32 + i % 32] >> shift & 3) -
           low;
  }
}

// 32 bytes of third bits (inverted), 64 bytes of 2 bits, 16 scales of 6 bits in 12 bytes, a scale.
void unpack_q3k(const Byte* block, float* y) {
  const Byte *third = block, *q = block + 32, *packed = block + 96;
  const float d = half_at(block + 108);
  for (int i = 0; i < 256; ++i) {
    int s = i / 16;
    int low = s < 8 ? packed[s] & 15 : packed[s - 8] >> 4;
    int high = packed[8 + s % 4] >> (2 * (s / 4)) & 3;
    float scale = d * static_cast<float>((low | high << 4) - 32);
    int value = q[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
    if ((third[i % 32] >> (i / 32) & 1) == 0) value -= 4;
    y[i] = scale * static_cast<float>(value);
  }
}

// Eight scales and eight minima of 6 bits in 12 bytes.
struct ScaleAndMinimum {
  float scale, minimum;
};
ScaleAndMinimum scale_and_minimum(const Byte* packed, int j) {
  int scale = 0, minimum = 0;
  if (j < 4) {
    scale = packed[j] & 63;
    minimum = packed[j + 4] & 63;
  } else {
    scale = (packed[j + 4] & 15) | packed[j - 4] >> 6 << 4;
    minimum = packed[j + 4] >> 4 | packed[j] >> 6 << 4;
  }
  return {static_cast<float>(scale), static_cast<float>(minimum)};
}

// Q4_K and Q5_K: two scales, scales and minima of the eight parts, for 5 bits their fifth bits,
// then four bits: of two parts in the lower and upper halves of the same 32 bytes.
template <bool kFifthBit>
void unpack_q45k(const Byte* block, float* y) {
  const float d = half_at(block), minimum = half_at(block + 2);
  const Byte *packed = block + 4, *fifth = block + 16, *q = fifth + (kFifthBit ? 32 : 0);
  for (int part = 0; part < 8; ++part) {
    auto [s, m] = scale_and_minimum(packed, part);
    const float scale = d * s, low = minimum * m;
    for (int l = 0; l < 32; ++l) {
      Byte both = q[part / 2 * 32 + l];
      int value = part % 2 == 0 ? both & 15 : both >> 4;
      if constexpr (kFifthBit) value |= (fifth[l] >> part & 1) << 4;
      *y++ = scale * static_cast<float>(value) - low;
    }
  }
}

// 128 bytes of 4 low bits, 64 bytes of 2 high bits, 16 scales, a scale.
void unpack_q6k(const Byte* block, float* y) {
  const Byte *low = block, *high = block + 128, *scales = block + 192;
  const float d = half_at(block + 208);
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, quarter = i / 32 % 4, l = i % 32;
    Byte both = low[half * 64 + quarter % 2 * 32 + l];
    int value = (quarter < 2 ? both & 15 : both >> 4) | (high[half * 32 + l] >> (2 * quarter) & 3)
                                                            << 4;
    y[i] = d * static_cast<float>(static_cast<std::int8_t>(scales[i / 16])) *
           static_cast<float>(value - 32);
  }
}

using Unpack = void (*)(const Byte*, float*);

Unpack unpacker(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return unpack_32<false, false>;
    case DType::kQ4_1:
      return unpack_32<true, false>;
    case DType::kQ5_0:
      return unpack_32<false, true>;
    case DType::kQ5_1:
      return unpack_32<true, true>;
    case DType::kQ8_0:
      return unpack_q8_0;
    case DType::kQ2K:
      return unpack_q2k;
    case DType::kQ3K:
      return unpack_q3k;
    case DType::kQ4K:
      return unpack_q45k<false>;
    case DType::kQ5K:
      return unpack_q45k<true>;
    case DType::kQ6K:
      return unpack_q6k;
    default:
      OBSCURA_CHECK(false, "a type that is not packed");
  }
}

}  // namespace

void unpack_to_f32(DType dtype, const std::byte* source, float* target, std::size_t count) {
  const Unpack unpack = unpacker(dtype);
  const auto elements = static_cast<std::size_t>(block_of(dtype));
  const std::size_t bytes = bytes_of(dtype, block_of(dtype));
  for (std::size_t done = 0; done < count; done += elements, source += bytes)
    unpack(reinterpret_cast<const Byte*>(source), target + done);
}

}  // namespace obscura
