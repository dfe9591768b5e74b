#include "tensor/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace obscura {
namespace {

// Normal numbers are made in blocks: entry j of the first half is paired with entry j of the
// second.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kHalf = kBlock / 2;

// ln(x) for a positive normal x, to about 1e-13. Branch-free, so that the compiler vectorises the
// loop around it.
inline double log_of(double x) {
  constexpr std::uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;  // bits of sqrt(1/2)
  auto bits = std::bit_cast<std::uint64_t>(x);
  // x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)).
  auto exponent = static_cast<std::int64_t>(bits - kSqrtHalf) >> 52;
  auto mantissa = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  double s = (mantissa - 1) / (mantissa + 1);
  double s2 = s * s;
  // ln m = 2 atanh(s)
  double series = 1.0 / 17;
  for (int k = 15; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return static_cast<double>(static_cast<std::int32_t>(exponent)) * std::numbers::ln2 +
         2 * s * series;
}

struct SinCos {
  double sin, cos;
};

// For 0 <= angle <= 2 pi, to about 1e-14: Taylor's series around the nearest quarter turn.
inline SinCos sin_cos_of(double angle) {
  auto quarter = static_cast<std::int32_t>(angle * (2 / std::numbers::pi) + 0.5);
  double r = angle - quarter * (std::numbers::pi / 2);
  double r2 = r * r;
  double s = 1.0 / 6227020800;  // 1/13!, 1/11!, …
  s = s * -r2 + 1.0 / 39916800;
  s = s * -r2 + 1.0 / 362880;
  s = s * -r2 + 1.0 / 5040;
  s = s * -r2 + 1.0 / 120;
  s = s * -r2 + 1.0 / 6;
  s = r - r * r2 * s;
  double c = 1.0 / 87178291200;  // 1/14!, 1/12!, …
  c = c * -r2 + 1.0 / 479001600;
  c = c * -r2 + 1.0 / 3628800;
  c = c * -r2 + 1.0 / 40320;
  c = c * -r2 + 1.0 / 720;
  c = c * -r2 + 1.0 / 24;
  c = c * -r2 + 1.0 / 2;
  c = 1 - r2 * c;
  bool swap = quarter & 1;
  double sine = swap ? c : s, cosine = swap ? s : c;
  return {quarter & 2 ? -sine : sine, (quarter + 1) & 2 ? -cosine : cosine};
}

// Turns sixteen uniform numbers into normal ones (Box and Muller). The angle and the radius are
// rounded to float32 where PyTorch rounds them.
void box_muller(float* block) {
  for (std::size_t j = 0; j < kHalf; ++j) {
    auto radius = std::sqrt(-2 * static_cast<float>(log_of(1 - block[j])));
    float angle = 2 * std::numbers::pi_v<float> * block[j + kHalf];
    SinCos turn = sin_cos_of(angle);
    block[j] = radius * static_cast<float>(turn.cos);
    block[j + kHalf] = radius * static_cast<float>(turn.sin);
  }
}

void box_muller(double* block) {
  for (std::size_t j = 0; j < kHalf; ++j) {
    double radius = std::sqrt(-2 * std::log(1 - block[j]));
    double angle = 2 * std::numbers::pi * block[j + kHalf];
    block[j] = radius * std::cos(angle);
    block[j + kHalf] = radius * std::sin(angle);
  }
}

}  // namespace

template <>
float TorchGenerator::uniform<float>() {
  return static_cast<float>(words_() & 0xffffffu) * 0x1p-24f;
}

template <>
double TorchGenerator::uniform<double>() {
  std::uint64_t high = words_();
  std::uint64_t word = high << 32 | words_();
  return static_cast<double>(word & ((std::uint64_t{1} << 53) - 1)) * 0x1p-53;
}

template <class Real>
void TorchGenerator::fill_uniform(std::span<Real> target) {
  for (Real& value : target) value = uniform<Real>();
}

template <class Real>
void TorchGenerator::fill_normal(std::span<Real> target) {
  if (target.size() < kBlock) {
    for (Real& value : target) value = static_cast<Real>(next_normal());
    return;
  }
  fill_uniform(target);
  std::size_t whole = target.size() / kBlock * kBlock;
  for (std::size_t i = 0; i < whole; i += kBlock) box_muller(target.data() + i);
  if (whole == target.size()) return;
  auto last = target.last(kBlock);  // overlaps the last whole block, which PyTorch overwrites too
  fill_uniform(last);
  box_muller(last.data());
}

double TorchGenerator::next_normal() {
  if (spare_normal_) {
    double value = *spare_normal_;
    spare_normal_.reset();
    return value;
  }
  double turn = uniform<double>();
  double radius = std::sqrt(-2 * std::log1p(-uniform<double>()));
  double angle = 2 * std::numbers::pi * turn;
  spare_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void TorchGenerator::randint31(std::span<std::int64_t> target) {
  for (std::int64_t& value : target) value = words_() & 0x7fffffffu;
}

Tensor TorchGenerator::randn(const Shape& shape) {
  Tensor tensor(shape);
  fill_normal(tensor.values());
  return tensor;
}

template void TorchGenerator::fill_uniform(std::span<float>);
template void TorchGenerator::fill_uniform(std::span<double>);
template void TorchGenerator::fill_normal(std::span<float>);
template void TorchGenerator::fill_normal(std::span<double>);

}  // namespace obscura
