// GLoRA: one low-rank matrix is added, another multiplies the weight: W A + B.
#include <fmt/format.h>

#include "adapter/factors.h"
#include "adapter/matrix_product.h"

namespace obscura::adapter {
namespace {

class GloraDelta final : public Delta {
 public:
  GloraDelta(WeightShape weight, LowRankMatrix right, LowRankMatrix added, double scale)
      : weight_(weight), right_(right), added_(added), scale_(scale) {}

  Status add(double strength, float* weight) const override {
    auto scale = static_cast<float>(strength * scale_);
    auto inputs = weight_.inputs, kernel = weight_.kernel, rows = weight_.rows * kernel;
    OBSCURA_ASSIGN(std::vector<float> up, right_.up_values());
    OBSCURA_ASSIGN(std::vector<float> down, right_.down_values());
    // (out, in, k) as (out, k, in): the product runs over the input channels.
    std::vector<float> channels_last(static_cast<std::size_t>(rows * inputs));
    exchange(weight, inputs, kernel, [&](float& from, std::int64_t to) {
      channels_last[static_cast<std::size_t>(to)] = from;
    });
    std::vector<float> narrow(static_cast<std::size_t>(rows * right_.inner()), 0.0f);
    add_product(rows, right_.inner(), inputs, 1, channels_last.data(), up.data(), narrow.data());
    std::vector<float> product(channels_last.size(), 0.0f);
    add_product(rows, inputs, right_.inner(), scale, narrow.data(), down.data(), product.data());
    exchange(weight, inputs, kernel,
             [&](float& to, std::int64_t from) { to += product[static_cast<std::size_t>(from)]; });
    return added_.add(scale, weight);
  }

 private:
  // Calls visit(element, its place among (out, k, in)) for each element of the weight.
  template <class Visit>
  void exchange(float* weight, std::int64_t inputs, std::int64_t kernel, const Visit& visit) const {
    for (std::int64_t row = 0; row < weight_.rows; ++row)
      for (std::int64_t in = 0; in < inputs; ++in)
        for (std::int64_t k = 0; k < kernel; ++k)
          visit(weight[(row * inputs + in) * kernel + k], (row * kernel + k) * inputs + in);
  }

  WeightShape weight_;
  LowRankMatrix right_, added_;
  double scale_;
};

bool fits(const Result<LowRankMatrix>& matrix, std::int64_t rows, std::int64_t columns) {
  return matrix.ok() && matrix->rows() == rows && matrix->columns() == columns;
}

}  // namespace

Result<DeltaPtr> make_glora(ModuleReader& module, const WeightShape& weight) {
  if (!module.has(Role::kGlora1A)) return DeltaPtr();
  OBSCURA_ASSIGN(auto a1, module.require(Role::kGlora1A, "a1"));
  OBSCURA_ASSIGN(auto a2, module.require(Role::kGlora2A, "a2"));
  OBSCURA_ASSIGN(auto b1, module.require(Role::kGlora1B, "b1"));
  OBSCURA_ASSIGN(auto b2, module.require(Role::kGlora2B, "b2"));
  // Which of two is the outer factor changed between LyCORIS's versions; the sizes tell.
  for (bool second_outside : {true, false}) {
    auto right = LowRankMatrix::make(module, second_outside ? a2 : a1, second_outside ? a1 : a2,
                                     nullptr, false);
    auto added = LowRankMatrix::make(module, second_outside ? b2 : b1, second_outside ? b1 : b2,
                                     nullptr, false);
    if (!fits(right, weight.inputs, weight.inputs) || !fits(added, weight.rows, weight.columns))
      continue;
    OBSCURA_ASSIGN(double scale, module.take_scale(right->rank()));
    return DeltaPtr(new GloraDelta(weight, *right, *added, scale));
  }
  return module.unfitting(fmt::format("has the GLoRA factors {}, {}, {} and {}", a1->shape.text(),
                                      a2->shape.text(), b1->shape.text(), b2->shape.text()),
                          weight);
}

}  // namespace obscura::adapter
