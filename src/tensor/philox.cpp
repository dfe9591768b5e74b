#include "tensor/philox.h"

#include <cmath>
#include <numbers>

#include "base/check.h"

namespace obscura {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t first = std::uint64_t{0xd2511f53} * counter[0];
    const std::uint64_t second = std::uint64_t{0xcd9e8d57} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(first)};
    key[0] += 0x9e3779b9;
    key[1] += 0xbb67ae85;
  }
  return counter;
}

Tensor PhiloxGenerator::randn(const Shape& shape) {
  Tensor result(shape);
  OBSCURA_CHECK(result.elements() <= 0xffffffff, "too many numbers for one draw");
  constexpr double kUnit = 1.0 / 4294967296.0;
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    auto words =
        philox4x32({draws_, 0, static_cast<std::uint32_t>(i), 0},
                   {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
    const double u = (words[0] + 0.5) * kUnit;
    const double angle = (words[1] + 0.5) * kUnit * 2 * std::numbers::pi;
    result.data()[i] = static_cast<float>(std::sqrt(-2 * std::log(u)) * std::sin(angle));
  }
  ++draws_;
  return result;
}

}  // namespace obscura
