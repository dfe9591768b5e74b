// LoKr: the Kronecker product of two matrices, each whole or factored.
#include <fmt/format.h>

#include <variant>

#include "adapter/factors.h"
#include "adapter/for_rows.h"

namespace obscura::adapter {
namespace {

// A factor of the product. A kernel lies within its columns, as in the weight's: of w1 (out1, in1)
// and w2 (out2, in2, k, k), column in1 * (in2 k k) + rest of the product is the weight's own.
class KroneckerFactor {
 public:
  explicit KroneckerFactor(LowRankMatrix matrix)
      : source_(matrix), rows_(matrix.rows()), columns_(matrix.columns()) {}
  explicit KroneckerFactor(const io::TensorEntry* whole)
      : source_(whole),
        rows_(whole->shape.rank() == 0 ? 1 : whole->shape[0]),
        columns_(whole->shape.elements() / rows_) {}

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  // 0 if it is not factored.
  std::int64_t rank() const {
    const auto* matrix = std::get_if<LowRankMatrix>(&source_);
    return matrix == nullptr ? 0 : matrix->rank();
  }
  Result<std::vector<float>> values() const {
    if (const auto* whole = std::get_if<const io::TensorEntry*>(&source_))
      return finite_values(**whole);
    std::vector<float> values(static_cast<std::size_t>(rows_ * columns_), 0.0f);
    OBSCURA_TRY(std::get<LowRankMatrix>(source_).add(1, values.data()));
    return values;
  }

 private:
  std::variant<const io::TensorEntry*, LowRankMatrix> source_;
  std::int64_t rows_, columns_;
};

class KroneckerDelta final : public Delta {
 public:
  KroneckerDelta(KroneckerFactor first, KroneckerFactor second, double scale)
      : first_(first), second_(second), scale_(scale) {}

  Status add(double strength, float* weight) const override {
    OBSCURA_ASSIGN(std::vector<float> first, first_.values());
    OBSCURA_ASSIGN(std::vector<float> second, second_.values());
    auto scale = static_cast<float>(strength * scale_);
    std::int64_t inner = second_.columns(), rows = first_.rows() * second_.rows();
    for_rows(rows, rows * first_.columns() * inner, [&](std::int64_t row) {
      const float* left = first.data() + row / second_.rows() * first_.columns();
      const float* right = second.data() + row % second_.rows() * inner;
      float* target = weight + row * first_.columns() * inner;
      for (std::int64_t i = 0; i < first_.columns(); ++i, target += inner) {
        float factor = scale * left[i];
        for (std::int64_t j = 0; j < inner; ++j) target[j] += factor * right[j];
      }
    });
    return {};
  }

 private:
  KroneckerFactor first_, second_;
  double scale_;
};

struct FactorRoles {
  Role whole, up, down;
  const char* name;
};

Result<KroneckerFactor> take_factor(ModuleReader& module, const FactorRoles& roles,
                                    const io::TensorEntry* core) {
  if (module.has(roles.whole)) {
    OBSCURA_ASSIGN(const io::TensorEntry* whole, module.take(roles.whole));
    return KroneckerFactor(whole);
  }
  std::string name = roles.name;
  OBSCURA_ASSIGN(auto up, module.require(roles.up, (name + " or " + name + "_a").c_str()));
  OBSCURA_ASSIGN(auto down, module.require(roles.down, (name + "_b").c_str()));
  OBSCURA_ASSIGN(auto matrix, LowRankMatrix::make(module, up, down, core, core != nullptr));
  return KroneckerFactor(matrix);
}

}  // namespace

Result<DeltaPtr> make_kronecker(ModuleReader& module, const WeightShape& weight) {
  if (!module.has(Role::kKronecker1) && !module.has(Role::kKronecker1A)) return DeltaPtr();
  OBSCURA_ASSIGN(
      auto first,
      take_factor(module, {Role::kKronecker1, Role::kKronecker1A, Role::kKronecker1B, "lokr_w1"},
                  nullptr));
  OBSCURA_ASSIGN(auto core, module.take(Role::kKronecker2Mid));
  OBSCURA_ASSIGN(
      auto second,
      take_factor(module, {Role::kKronecker2, Role::kKronecker2A, Role::kKronecker2B, "lokr_w2"},
                  core));
  // Divisions, because the product of two sizes of a file may overflow.
  bool fits = weight.rows % first.rows() == 0 && weight.rows / first.rows() == second.rows() &&
              weight.columns % first.columns() == 0 &&
              weight.columns / first.columns() == second.columns();
  if (!fits) {
    return module.unfitting(
        fmt::format("makes the Kronecker product of {} x {} and {} x {}", first.rows(),
                    first.columns(), second.rows(), second.columns()),
        weight);
  }
  // LyCORIS's rule: the rank is the second factor's, else the first's; two whole matrices have
  // none, and their alpha means nothing.
  std::int64_t rank = second.rank() != 0 ? second.rank() : first.rank();
  OBSCURA_ASSIGN(double scale, module.take_scale(rank == 0 ? 1 : rank));
  if (rank == 0) scale = 1;
  return DeltaPtr(new KroneckerDelta(first, second, scale));
}

}  // namespace obscura::adapter
