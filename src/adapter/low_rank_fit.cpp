#include "adapter/low_rank_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "adapter/matrix_product.h"
#include "base/check.h"
#include "tensor/random.h"

namespace obscura::adapter {
namespace {

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor c(Shape{a.shape()[0], b.shape()[1]});
  add_product(a.shape()[0], b.shape()[1], a.shape()[1], 1, a.data(), b.data(), c.data());
  return c;
}

Tensor transposed(const Tensor& a) {
  const std::int64_t rows = a.shape()[0], columns = a.shape()[1];
  Tensor t(Shape{columns, rows});
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) t.data()[j * rows + i] = a.data()[i * columns + j];
  return t;
}

// Makes the rows orthonormal, each against those before it, twice: once leaves what rounding took.
// Rows that depend on others become zero.
void orthonormalise_rows(Tensor& rows) {
  const std::int64_t count = rows.shape()[0], length = rows.shape()[1];
  auto dot = [&](const float* a, const float* b) {
    double sum = 0;
    for (std::int64_t k = 0; k < length; ++k) sum += double{a[k]} * double{b[k]};
    return sum;
  };
  for (std::int64_t i = 0; i < count; ++i) {
    float* row = rows.data() + i * length;
    const double before = std::sqrt(dot(row, row));
    for (int turn = 0; turn < 2; ++turn) {
      for (std::int64_t j = 0; j < i; ++j) {
        const float* other = rows.data() + j * length;
        const auto along = static_cast<float>(dot(row, other));
        for (std::int64_t k = 0; k < length; ++k) row[k] -= along * other[k];
      }
    }
    const double after = std::sqrt(dot(row, row));
    const float scale = after > before * 1e-6 ? static_cast<float>(1 / after) : 0;
    for (std::int64_t k = 0; k < length; ++k) row[k] *= scale;
  }
}

struct Eigen {
  std::vector<double> values;   // the largest first
  std::vector<double> vectors;  // row i belongs to value i
};

// Of a symmetric matrix of n rows, by Jacobi's rotations (Golub and Van Loan, 8.5).
Eigen symmetric_eigen(std::vector<double> a, std::size_t n) {
  std::vector<double> v(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) v[i * n + i] = 1;
  auto off_diagonal = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j) sum += a[i * n + j] * a[i * n + j];
    return sum;
  };
  double scale = 0;
  for (double value : a) scale += value * value;
  constexpr int kMostSweeps = 60;
  for (int sweep = 0; sweep < kMostSweeps && off_diagonal() > scale * 1e-28; ++sweep) {
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (a[p * n + q] == 0) continue;
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        const double t = std::copysign(1.0, theta) / (std::fabs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const double kp = a[k * n + p], kq = a[k * n + q];
          a[k * n + p] = c * kp - s * kq;
          a[k * n + q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double pk = a[p * n + k], qk = a[q * n + k];
          a[p * n + k] = c * pk - s * qk;
          a[q * n + k] = s * pk + c * qk;
          const double vp = v[p * n + k], vq = v[q * n + k];
          v[p * n + k] = c * vp - s * vq;
          v[q * n + k] = s * vp + c * vq;
        }
      }
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return a[x * n + x] > a[y * n + y]; });
  Eigen eigen;
  for (std::size_t i : order) {
    eigen.values.push_back(a[i * n + i]);
    eigen.vectors.insert(eigen.vectors.end(), v.begin() + static_cast<std::ptrdiff_t>(i * n),
                         v.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
  }
  return eigen;
}

// Orthonormal rows (sketch, rows) that span what the matrix mostly maps to.
Tensor range_of(const Tensor& matrix, const Tensor& across, std::int64_t sketch) {
  constexpr int kTurns = 4;
  Tensor range = product(TorchGenerator(0).randn(Shape{sketch, matrix.shape()[1]}), across);
  orthonormalise_rows(range);
  for (int turn = 0; turn < kTurns; ++turn) {
    Tensor back = product(range, matrix);
    orthonormalise_rows(back);
    range = product(back, across);
    orthonormalise_rows(range);
  }
  return range;
}

}  // namespace

LowRankFit fit_low_rank(const Tensor& matrix, std::int64_t rank) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  OBSCURA_CHECK(rank >= 1 && rank <= std::min(rows, columns), "no such rank");
  constexpr std::int64_t kMore = 10;
  const std::int64_t sketch = std::min(rank + kMore, std::min(rows, columns));
  const Tensor range = range_of(matrix, transposed(matrix), sketch);
  const Tensor core = product(range, matrix);  // (sketch, columns)
  const auto n = static_cast<std::size_t>(sketch);
  std::vector<double> gram(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const float *a = core.data() + static_cast<std::int64_t>(i) * columns,
                  *b = core.data() + static_cast<std::int64_t>(j) * columns;
      double sum = 0;
      for (std::int64_t k = 0; k < columns; ++k) sum += double{a[k]} * double{b[k]};
      gram[i * n + j] = gram[j * n + i] = sum;
    }
  }
  const Eigen eigen = symmetric_eigen(std::move(gram), n);
  // Left singular vectors times values, and right singular vectors.
  Tensor turn(Shape{rank, sketch}), up_turn(Shape{rank, sketch});
  for (std::int64_t i = 0; i < rank; ++i) {
    const double value = std::sqrt(std::max(0.0, eigen.values[static_cast<std::size_t>(i)]));
    for (std::int64_t k = 0; k < sketch; ++k) {
      const double element = eigen.vectors[static_cast<std::size_t>(i * sketch + k)];
      up_turn.data()[i * sketch + k] = static_cast<float>(element * value);
      turn.data()[i * sketch + k] = value > 0 ? static_cast<float>(element / value) : 0;
    }
  }
  return {transposed(product(up_turn, range)), product(turn, core)};
}

}  // namespace obscura::adapter
