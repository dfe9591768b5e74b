#include "ir/free_u.h"

#include <algorithm>
#include <complex>
#include <numbers>
#include <sstream>
#include <vector>

namespace obscura::ir {
namespace {

using Complex = std::complex<double>;

std::string with_number(std::string_view name, float number) {
  std::ostringstream text;
  text.precision(9);
  text << name << ' ' << number;
  return text.str();
}

Result<ValueType> image_type(const Op& op, std::span<const ValueType> inputs) {
  if (inputs[0].shape.rank() != 4) return operand_error(op, 0, "an image (N, H, W, C)", inputs[0]);
  return inputs[0];
}

// The frequencies -1 and 0 of an axis, as far as it has them.
std::vector<int> lowest_frequencies(std::int64_t length) {
  return length > 1 ? std::vector<int>{-1, 0} : std::vector<int>{};
}

Complex wave(int frequency, std::int64_t place, std::int64_t length) {
  return std::polar(1.0, 2 * std::numbers::pi * frequency * static_cast<double>(place) /
                             static_cast<double>(length));
}

}  // namespace

std::string LowFrequencyOp::text() const {
  return with_number("low_frequency", scale);
}

Result<ValueType> LowFrequencyOp::infer(std::span<const ValueType> inputs) const {
  return image_type(*this, inputs);
}

// y = x + (scale - 1) * (the part of x at those frequencies).
void LowFrequencyOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const std::int64_t h = output.size(1), w = output.size(2), c = output.size(3);
  const std::int64_t pixels = h * w;
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    const float* x = inputs[0].f32() + n * pixels * c;
    float* y = output.f32() + n * pixels * c;
    std::copy_n(x, pixels * c, y);
    for (int fy : lowest_frequencies(h)) {
      for (int fx : lowest_frequencies(w)) {
        std::vector<Complex> sums(static_cast<std::size_t>(c)), waves;
        for (std::int64_t p = 0; p < pixels; ++p)
          waves.push_back(wave(fy, p / w, h) * wave(fx, p % w, w));
        for (std::int64_t i = 0; i < pixels * c; ++i)
          sums[static_cast<std::size_t>(i % c)] +=
              double{x[i]} * std::conj(waves[static_cast<std::size_t>(i / c)]);
        const double factor = (scale - 1) / static_cast<double>(pixels);
        for (std::int64_t i = 0; i < pixels * c; ++i)
          y[i] += static_cast<float>(factor * (sums[static_cast<std::size_t>(i % c)] *
                                               waves[static_cast<std::size_t>(i / c)])
                                                  .real());
      }
    }
  }
}

ValueId scale_low_frequencies(Builder& builder, ValueId x, float scale) {
  return builder.add(std::make_shared<LowFrequencyOp>(scale), {x});
}

std::string StrengthenOp::text() const {
  return with_number(by_mean ? "strengthen by_mean" : "strengthen", scale);
}

Result<ValueType> StrengthenOp::infer(std::span<const ValueType> inputs) const {
  return image_type(*this, inputs);
}

void StrengthenOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const std::int64_t pixels = output.size(1) * output.size(2), c = output.size(3);
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    const float* x = inputs[0].f32() + n * pixels * c;
    float* y = output.f32() + n * pixels * c;
    std::vector<double> factors(static_cast<std::size_t>(pixels), scale);
    if (by_mean) {
      std::vector<double> means(static_cast<std::size_t>(pixels));
      for (std::int64_t i = 0; i < pixels * c; ++i)
        means[static_cast<std::size_t>(i / c)] += x[i] / static_cast<double>(c);
      auto [least, most] = std::minmax_element(means.begin(), means.end());
      const double low = *least, span = *most - *least;
      for (std::size_t p = 0; p < means.size(); ++p)
        factors[p] = 1 + (scale - 1) * (span > 0 ? (means[p] - low) / span : 0);
    }
    for (std::int64_t i = 0; i < pixels * c; ++i) {
      const bool first_half = i % c < c / 2;
      y[i] = static_cast<float>(x[i] * (first_half ? factors[static_cast<std::size_t>(i / c)] : 1));
    }
  }
}

ValueId strengthen(Builder& builder, ValueId x, float scale, bool by_mean) {
  return builder.add(std::make_shared<StrengthenOp>(scale, by_mean), {x});
}

}  // namespace obscura::ir
