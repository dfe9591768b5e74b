#include "adapter/low_rank_fit.h"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cstdint>
#include <utility>

#include "adapter/matrix_product.h"
#include "base/check.h"
#include "tensor/random.h"

namespace obscura::adapter {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<Rows> view(Tensor& a) {
  return {a.data(), a.shape()[0], a.shape()[1]};
}
Eigen::Map<const Rows> view(const Tensor& a) {
  return {a.data(), a.shape()[0], a.shape()[1]};
}

// On all threads, as Eigen's own would not be.
Tensor product(const Tensor& a, const Tensor& b) {
  Tensor c(Shape{a.shape()[0], b.shape()[1]});
  add_product(a.shape()[0], b.shape()[1], a.shape()[1], 1, a.data(), b.data(), c.data());
  return c;
}

Tensor transposed(const Tensor& a) {
  Tensor t(Shape{a.shape()[1], a.shape()[0]});
  view(t) = view(a).transpose();
  return t;
}

// Orthonormal rows that span those of `rows`, which are no more than it has columns.
Tensor orthonormal(const Tensor& rows) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(view(rows).cast<double>().transpose());
  const Eigen::Index count = rows.shape()[0], length = rows.shape()[1];
  const Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(length, count);
  Tensor result(rows.shape());
  view(result) = q.transpose().cast<float>();
  return result;
}

// Orthonormal rows (sketch, rows) that span what the matrix mostly maps to.
Tensor range_of(const Tensor& matrix, const Tensor& across, std::int64_t sketch) {
  constexpr int kTurns = 4;
  Tensor range =
      orthonormal(product(TorchGenerator(0).randn(Shape{sketch, matrix.shape()[1]}), across));
  for (int turn = 0; turn < kTurns; ++turn)
    range = orthonormal(product(orthonormal(product(range, matrix)), across));
  return range;
}

}  // namespace

LowRankFit fit_low_rank(const Tensor& matrix, std::int64_t rank) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  OBSCURA_CHECK(rank >= 1 && rank <= std::min(rows, columns), "no such rank");
  constexpr std::int64_t kMore = 10;
  const std::int64_t sketch = std::min(rank + kMore, std::min(rows, columns));
  const Tensor range = range_of(matrix, transposed(matrix), sketch);
  const Tensor within = product(range, matrix);  // (sketch, columns)
  const Eigen::MatrixXd core = view(within).cast<double>();
  // Its left singular vectors. Eigen's own decompositions into singular values take three times as
  // long to compile as all the rest of this layer.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(core * core.transpose());
  Tensor turn(Shape{rank, sketch}), down(Shape{rank, columns});
  for (std::int64_t i = 0; i < rank; ++i) {
    const Eigen::VectorXd axis = solver.eigenvectors().col(sketch - 1 - i);  // from the largest
    const Eigen::RowVectorXd row = axis.transpose() * core;
    const double value = row.norm();
    if (value == 0) continue;  // and so are both factors
    view(turn).row(i) = (axis * value).transpose().cast<float>();
    view(down).row(i) = (row / value).cast<float>();
  }
  return {transposed(product(turn, range)), std::move(down)};
}

}  // namespace obscura::adapter
