// What a Session holds on a device of its own memory beside what it holds on the planning device
// that decorates the same: where weights share an allocation, are prefetched, and change.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/far_device.h"
#include "ir/linear.h"
#include "runtime/planning_device.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::backend {
namespace {

using runtime::WeightStore;
using test::kPiece;

constexpr std::int64_t kSide = 64;
constexpr int kMatrices = 8;

// Negates the matrices that it names.
class Negated final : public runtime::WeightChange {
 public:
  explicit Negated(std::string names) : names_(std::move(names)), identity_("negated " + names_) {}
  const std::string& identity() const override { return identity_; }
  bool touches(std::string_view name) const override {
    return names_.find(name.back()) != std::string::npos;
  }
  Status apply(std::string_view, const Shape& shape, float* values) const override {
    for (std::int64_t i = 0; i < shape.elements(); ++i) values[i] = -values[i];
    return {};
  }

 private:
  std::string names_, identity_;
};

std::shared_ptr<WeightStore> matrices(const std::string& identity) {
  auto values = std::make_shared<std::vector<float>>(kMatrices * kSide * kSide);
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 0.1F);
  for (float& value : *values) value = normal(random);
  auto store = std::make_shared<WeightStore>(identity, values);
  for (int i = 0; i < kMatrices; ++i) {
    const auto part = std::span(*values).subspan(static_cast<std::size_t>(i * kSide * kSide));
    store->add("w" + std::to_string(i),
               {DType::kF32, {kSide, kSide}, std::as_bytes(part.first(kSide * kSide))});
  }
  return store;
}

Result<ir::Graph> product(const WeightStore& weights) {
  ir::Builder builder("product", weights);
  ir::ValueId x = builder.input("x", {DType::kF32, {1, 4, kSide}});
  for (int i = 0; i < kMatrices; ++i)
    x = ir::linear(builder, x, builder.weight("w" + std::to_string(i)), ir::kNoValue);
  builder.output("y", x);
  return std::move(builder).finish();
}

Tensor run(runtime::Session& session, const std::shared_ptr<WeightStore>& weights) {
  auto program = session.program("product", weights, [&] { return product(*weights); });
  const Tensor x = Tensor::filled({1, 4, kSide}, 0.5F);
  Tensor y(Shape{1, 4, kSide});
  InputBinding in{"x", std::as_bytes(x.values())};
  OutputBinding out{"y", std::as_writable_bytes(y.values())};
  EXPECT_TRUE(program.ok());
  EXPECT_TRUE(session.run(**program, std::span(&in, 1), std::span(&out, 1), CancelToken()).ok());
  return y;
}

TEST(PlannedHoldings, AreThoseOfADeviceWhoseWeightsShareAllocations) {
  const auto base = matrices("base"), other = matrices("other"),
             one = base->with(std::make_shared<Negated>("3")),
             three = base->with(std::make_shared<Negated>("246"));
  constexpr std::size_t kWhole = kMatrices * kPiece;
  std::map<const WeightStore*, Tensor> first;
  for (std::size_t budget : {8 * kWhole, kWhole + 2 * kPiece, kWhole - kPiece}) {
    SCOPED_TRACE(budget);
    test::Traffic traffic;
    std::vector<runtime::PlannedNetwork> networks;
    runtime::Session real(std::make_unique<test::FarDevice>(traffic), budget),
        planning(runtime::planning_device(std::make_unique<test::FarDevice>(traffic), networks),
                 budget);
    for (const auto& weights : {base, one, base, three, one, other, three, base}) {
      const Tensor y = run(real, weights);
      const Tensor& same = first.try_emplace(weights.get(), y).first->second;
      EXPECT_EQ(std::memcmp(y.data(), same.data(), y.values().size_bytes()), 0);
      run(planning, weights);
      EXPECT_EQ(real.device().held_bytes(), planning.device().held_bytes());
      EXPECT_EQ(real.peak_held_bytes(), planning.peak_held_bytes());
      EXPECT_LE(real.device().held_bytes(), budget);
    }
  }
}

}  // namespace
}  // namespace obscura::backend
