// LoRA and LoCon: scale * up * (core) * down. LoHa: the elementwise product of two such matrices.
#include <fmt/format.h>

#include "adapter/factors.h"
#include "adapter/for_rows.h"

namespace obscura::adapter {
namespace {

std::string size_text(const LowRankMatrix& matrix) {
  return fmt::format("makes a matrix of {} x {}", matrix.rows(), matrix.columns());
}

class LowRankDelta final : public Delta {
 public:
  LowRankDelta(LowRankMatrix matrix, double scale) : matrix_(matrix), scale_(scale) {}
  Status add(double strength, float* weight) const override {
    return matrix_.add(static_cast<float>(strength * scale_), weight);
  }

 private:
  LowRankMatrix matrix_;
  double scale_;
};

class HadamardDelta final : public Delta {
 public:
  HadamardDelta(LowRankMatrix first, LowRankMatrix second, double scale)
      : first_(first), second_(second), scale_(scale) {}
  Status add(double strength, float* weight) const override {
    std::int64_t rows = first_.rows(), columns = first_.columns();
    std::vector<float> first(static_cast<std::size_t>(rows * columns), 0.0f), second = first;
    OBSCURA_TRY(first_.add(1, first.data()));
    OBSCURA_TRY(second_.add(1, second.data()));
    auto scale = static_cast<float>(strength * scale_);
    for_rows(rows, rows * columns, [&](std::int64_t row) {
      for (std::int64_t i = row * columns; i < (row + 1) * columns; ++i) {
        auto at = static_cast<std::size_t>(i);
        weight[i] += scale * first[at] * second[at];
      }
    });
    return {};
  }

 private:
  LowRankMatrix first_, second_;
  double scale_;
};

bool fits(const LowRankMatrix& matrix, const WeightShape& weight) {
  return matrix.rows() == weight.rows && matrix.columns() == weight.columns;
}

}  // namespace

Result<DeltaPtr> make_low_rank(ModuleReader& module, const WeightShape& weight) {
  if (!module.has(Role::kUp) && !module.has(Role::kDown)) return DeltaPtr();
  OBSCURA_ASSIGN(auto up, module.require(Role::kUp, "up factor (lora_up, lora_B)"));
  OBSCURA_ASSIGN(auto down, module.require(Role::kDown, "down factor (lora_down, lora_A)"));
  OBSCURA_ASSIGN(auto core, module.take(Role::kMid));
  OBSCURA_ASSIGN(auto matrix, LowRankMatrix::make(module, up, down, core, false));
  if (!fits(matrix, weight)) return module.unfitting(size_text(matrix), weight);
  OBSCURA_ASSIGN(double scale, module.take_scale(matrix.rank()));
  return DeltaPtr(new LowRankDelta(matrix, scale));
}

Result<DeltaPtr> make_hadamard(ModuleReader& module, const WeightShape& weight) {
  if (!module.has(Role::kHadamard1A) && !module.has(Role::kHadamard1B)) return DeltaPtr();
  OBSCURA_ASSIGN(auto a1, module.require(Role::kHadamard1A, "hada_w1_a"));
  OBSCURA_ASSIGN(auto b1, module.require(Role::kHadamard1B, "hada_w1_b"));
  OBSCURA_ASSIGN(auto a2, module.require(Role::kHadamard2A, "hada_w2_a"));
  OBSCURA_ASSIGN(auto b2, module.require(Role::kHadamard2B, "hada_w2_b"));
  OBSCURA_ASSIGN(auto core1, module.take(Role::kHadamard1Mid));
  OBSCURA_ASSIGN(auto core2, module.take(Role::kHadamard2Mid));
  OBSCURA_ASSIGN(auto first, LowRankMatrix::make(module, a1, b1, core1, core1 != nullptr));
  OBSCURA_ASSIGN(auto second, LowRankMatrix::make(module, a2, b2, core2, core2 != nullptr));
  if (!fits(first, weight)) return module.unfitting(size_text(first), weight);
  if (!fits(second, weight)) return module.unfitting(size_text(second), weight);
  OBSCURA_ASSIGN(double scale, module.take_scale(first.rank()));
  return DeltaPtr(new HadamardDelta(first, second, scale));
}

}  // namespace obscura::adapter
