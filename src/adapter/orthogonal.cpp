// OFT: blocks of output rows are rotated. BOFT: several such rotations one after another, each over
// rows a butterfly's distance apart.
//
// A rotation is Cayley's transform of a skew matrix Q: (I + Q) (I - Q)^-1.
#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "adapter/factors.h"
#include "adapter/for_rows.h"
#include "adapter/matrix_product.h"

namespace obscura::adapter {
namespace {

using Size = std::size_t;

using Square = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Turn = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// (I - Q)^-1 (I + Q), which is (I + Q) (I - Q)^-1: the two commute. The symmetric part of I - Q is
// I, so that elimination needs no pivots. It is written down because images hang on the order of
// its sums, which is not that of Eigen's own solvers.
Turn cayley(const Square& q) {
  const Eigen::Index n = q.rows();
  Square left = Square::Identity(n, n) - q, right = Square::Identity(n, n) + q;
  for (Eigen::Index pivot = 0; pivot < n; ++pivot) {
    for (Eigen::Index row = 0; row < n; ++row) {
      if (row == pivot) continue;
      const double factor = left(row, pivot) / left(pivot, pivot);
      if (factor == 0) continue;
      left.row(row).tail(n - pivot) -= factor * left.row(pivot).tail(n - pivot);
      right.row(row) -= factor * right.row(pivot);
    }
  }
  return (right.array().colwise() / left.diagonal().array()).cast<float>();
}

class OrthogonalDelta final : public Delta {
 public:
  // `blocks` is (count, n, n), or (stages, count, n, n) of BOFT.
  OrthogonalDelta(WeightShape weight, const io::TensorEntry* blocks, const io::TensorEntry* rescale,
                  double constraint)
      : weight_(weight), blocks_(blocks), rescale_(rescale), constraint_(constraint) {
    butterfly_ = blocks->shape.rank() == 4;
    stages_ = butterfly_ ? blocks->shape[0] : 1;
    count_ = blocks->shape[-3];
    size_ = blocks->shape[-1];
  }

  Status add(double strength, float* weight) const override {
    OBSCURA_ASSIGN(std::vector<Turn> turns, rotations());
    Size elements = static_cast<Size>(weight_.rows * weight_.columns);
    std::vector<float> rotated(weight, weight + elements);
    for (std::int64_t stage = 0; stage < stages_; ++stage)
      for (std::int64_t block = 0; block < count_; ++block)
        rotate(turns[static_cast<Size>(stage * count_ + block)], stage, block, rotated);
    if (rescale_ != nullptr) {
      OBSCURA_ASSIGN(std::vector<float> rescale, finite_values(*rescale_));
      for (Size i = 0; i < elements; ++i)
        rotated[i] *= rescale[i / static_cast<Size>(weight_.columns)];
    }
    for (Size i = 0; i < elements; ++i)
      weight[i] += static_cast<float>(strength) * (rotated[i] - weight[i]);
    return {};
  }

 private:
  // One matrix a block, to be multiplied from the left. OFT's einsum "k n m, k n … -> k m …"
  // multiplies by the transpose, BOFT's "b i j, b j … -> b i …" does not.
  Result<std::vector<Turn>> rotations() const {
    OBSCURA_ASSIGN(std::vector<float> values, finite_values(*blocks_));
    Size n = static_cast<Size>(size_);
    auto skew = [&](Size block, Size row, Size column) {
      const float* matrix = values.data() + block * n * n;
      double q = static_cast<double>(matrix[row * n + column]) - matrix[column * n + row];
      return butterfly_ ? q : -q;  // the transform of -Q is the transpose of that of Q
    };
    Size blocks = static_cast<Size>(stages_ * count_);
    double shrink = 1;
    if (constraint_ > 0) {
      double squares = 0;
      for (Size block = 0; block < blocks; ++block)
        for (Size i = 0; i < n * n; ++i) {
          double q = skew(block, i / n, i % n);
          squares += q * q;
        }
      shrink = std::min(1.0, constraint_ / (std::sqrt(squares) + 1e-8));
    }
    std::vector<Turn> result(blocks);
    for_rows(static_cast<std::int64_t>(blocks), stages_ * count_ * size_ * size_,
             [&](std::int64_t block) {
               Square q(size_, size_);
               for (Size i = 0; i < n * n; ++i)
                 q.data()[i] = shrink * skew(static_cast<Size>(block), i / n, i % n);
               result[static_cast<Size>(block)] = cayley(q);
             });
    return result;
  }

  // The row of the weight that is row `i` of a block: rows "(c k g)" of those in "(c g k)", g = 2.
  std::int64_t row_of(std::int64_t stage, std::int64_t block, std::int64_t i) const {
    std::int64_t at = block * size_ + i;
    if (!butterfly_) return at;
    std::int64_t half = (size_ / 2) << stage;
    std::int64_t outer = at / (2 * half), k = at % (2 * half) / 2, g = at % 2;
    return (outer * 2 + g) * half + k;
  }

  void rotate(const Turn& matrix, std::int64_t stage, std::int64_t block,
              std::vector<float>& rows) const {
    Size columns = static_cast<Size>(weight_.columns), n = static_cast<Size>(size_);
    std::vector<float> from(n * columns), to(n * columns, 0.0f);
    auto row = [&](Size i) {
      return rows.data() +
             static_cast<Size>(row_of(stage, block, static_cast<std::int64_t>(i))) * columns;
    };
    for (Size i = 0; i < n; ++i) std::copy_n(row(i), columns, from.data() + i * columns);
    add_product(size_, weight_.columns, size_, 1, matrix.data(), from.data(), to.data());
    for (Size i = 0; i < n; ++i) std::copy_n(to.data() + i * columns, columns, row(i));
  }

  WeightShape weight_;
  const io::TensorEntry *blocks_, *rescale_;
  double constraint_;
  bool butterfly_ = false;
  std::int64_t stages_ = 1, count_ = 0, size_ = 0;
};

bool butterfly_fits(const Shape& blocks, std::int64_t rows) {
  std::int64_t half = blocks[-1] / 2;
  if (blocks[-1] % 2 != 0 || blocks[0] > 62) return false;
  for (std::int64_t stage = 0; stage < blocks[0]; ++stage, half *= 2)
    if (half > rows || rows % (2 * half) != 0) return false;
  return true;
}

}  // namespace

Result<DeltaPtr> make_orthogonal(ModuleReader& module, const WeightShape& weight) {
  OBSCURA_ASSIGN(auto blocks, module.take(Role::kOrthogonalBlocks));
  if (blocks == nullptr) return DeltaPtr();
  OBSCURA_ASSIGN(auto rescale, module.take(Role::kRescale));
  const Shape& shape = blocks->shape;
  if ((shape.rank() != 3 && shape.rank() != 4) || shape[-1] != shape[-2]) {
    return module.corrupt(
        fmt::format("{} ({}) should hold square matrices", blocks->name, shape.text()));
  }
  if (weight.rows % shape[-1] != 0 || weight.rows / shape[-1] != shape[-3] ||
      (shape.rank() == 4 && !butterfly_fits(shape, weight.rows))) {
    return module.unfitting(fmt::format("rotates rows in blocks of {}", shape.text()), weight);
  }
  if (rescale != nullptr && rescale->shape.elements() != weight.rows) {
    return module.unfitting(fmt::format("scales {} rows", rescale->shape.elements()), weight);
  }
  // sd-scripts and LyCORIS: no larger than alpha times the number of outputs; 0 is no bound.
  OBSCURA_ASSIGN(std::optional<double> alpha, module.take_number(Role::kAlpha));
  double constraint = alpha.value_or(0) * static_cast<double>(weight.rows);
  return DeltaPtr(new OrthogonalDelta(weight, blocks, rescale, constraint));
}

}  // namespace obscura::adapter
