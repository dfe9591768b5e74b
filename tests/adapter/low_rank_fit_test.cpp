#include "adapter/low_rank_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/random.h"

namespace obscura::adapter {
namespace {

// up times down.
double element(const LowRankFit& fit, std::int64_t i, std::int64_t j) {
  const std::int64_t rank = fit.up.shape()[1], columns = fit.down.shape()[1];
  double sum = 0;
  for (std::int64_t r = 0; r < rank; ++r)
    sum += double{fit.up.data()[i * rank + r]} * double{fit.down.data()[r * columns + j]};
  return sum;
}

double squared_error(const LowRankFit& fit, const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  double sum = 0;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      sum += std::pow(element(fit, i, j) - double{matrix.data()[i * columns + j]}, 2);
  return sum;
}

TEST(LowRankFit, FindsAMatrixOfThatRank) {
  for (const auto& [rows, columns] : {std::pair(40, 25), std::pair(25, 40), std::pair(5, 3)}) {
    const LowRankFit made = {TorchGenerator(1).randn(Shape{rows, 3}),
                             TorchGenerator(2).randn(Shape{3, columns})};
    Tensor matrix(Shape{rows, columns});
    double size = 0;
    for (std::int64_t i = 0; i < matrix.elements(); ++i) {
      matrix.data()[i] = static_cast<float>(element(made, i / columns, i % columns));
      size += double{matrix.data()[i]} * double{matrix.data()[i]};
    }
    const LowRankFit fit = fit_low_rank(matrix, 3);
    EXPECT_EQ(fit.up.shape(), (Shape{rows, 3}));
    EXPECT_EQ(fit.down.shape(), (Shape{3, columns}));
    EXPECT_LT(squared_error(fit, matrix), size * 1e-10);
  }
}

// Eckart and Young: what is left is the sum of the squares of the singular values that were cut
// off. Those of a diagonal matrix are known.
TEST(LowRankFit, IsTheNearestOfItsRank) {
  Tensor matrix(Shape{60, 50});
  double left = 0;
  for (std::int64_t i = 0; i < 50; ++i) {
    const double value = std::pow(0.8, static_cast<double>((i * 7) % 50));
    matrix.data()[i * 50 + i] = static_cast<float>(value);
    if ((i * 7) % 50 >= 8) left += value * value;
  }
  const LowRankFit fit = fit_low_rank(matrix, 8);
  EXPECT_NEAR(squared_error(fit, matrix), left, left * 1e-4);
  for (std::int64_t r = 0; r < 8; ++r) {
    double length = 0;
    for (std::int64_t j = 0; j < 50; ++j) length += std::pow(fit.down.data()[r * 50 + j], 2);
    EXPECT_NEAR(length, 1, 1e-4) << "an orthonormal row";
  }
}

TEST(LowRankFit, OfNothingIsNothing) {
  const LowRankFit fit = fit_low_rank(Tensor(Shape{6, 4}), 2);
  for (float value : fit.up.values()) EXPECT_EQ(value, 0);
  for (float value : fit.down.values()) EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace obscura::adapter
