// Elementwise functions that the compiler vectorises, and the attribute that makes it do so for
// each kind of CPU.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

// Compiles the function for AVX-512, AVX2 and the baseline; the best one is chosen when the program
// starts. Everything it calls must be inlined. (clang, and the sanitizers' start-up, do not get
// along with it: one plain version there.)
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OBSCURA_FOR_EACH_CPU \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define OBSCURA_FOR_EACH_CPU
#endif

namespace obscura::backend::cpu {

// e^x within 2 units in the last place; 0 below -87.3, 2^127-ish above 88. Cephes' scheme: x = n ln
// 2 + r, a polynomial for e^r on |r| <= ln 2 / 2.
[[gnu::always_inline]] inline float fast_exp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.0f ? 88.0f : x;
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  float shifted = x * 1.44269504f + 12582912.0f;
  std::int32_t n = std::bit_cast<std::int32_t>(shifted) - 0x4b400000;
  float rounded = shifted - 12582912.0f;
  float r = x - rounded * 0.693359375f;  // ln 2 in two parts, the first exact in few bits
  r = r + rounded * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((n + 127) << 23);
}

[[gnu::always_inline]] inline float fast_silu(float x) {
  return x / (1.0f + fast_exp(-x));
}
[[gnu::always_inline]] inline float fast_quick_gelu(float x) {
  return x / (1.0f + fast_exp(-1.702f * x));
}

// erf within 1.5e-7 (Abramowitz and Stegun 7.1.26).
[[gnu::always_inline]] inline float fast_erf(float x) {
  float a = x < 0 ? -x : x;
  float t = 1.0f / (1.0f + 0.3275911f * a);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  float y = 1.0f - p * t * fast_exp(-a * a);
  return x < 0 ? -y : y;
}

[[gnu::always_inline]] inline float fast_gelu(float x) {
  return 0.5f * x * (1.0f + fast_erf(x * 0.70710678f));
}

// The upper half of a float32, rounded to nearest, ties to even. A NaN keeps its upper bits, one of
// which is set.
[[gnu::always_inline]] inline std::uint16_t bf16_bits(float x) {
  auto bits = std::bit_cast<std::uint32_t>(x);
  std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  std::uint32_t nan = (bits >> 16) | 0x40;
  return static_cast<std::uint16_t>(x == x ? rounded : nan);
}

}  // namespace obscura::backend::cpu
