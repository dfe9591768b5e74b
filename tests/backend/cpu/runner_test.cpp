// The Runner over a device that keeps everything to itself.
#include "backend/runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/lowered.h"
#include "backend/far_device.h"
#include "backend/graph_fixture.h"
#include "backend/holdings.h"
#include "backend/op_cases.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/linear.h"

namespace obscura::backend {
namespace {

using test::far_executable;
using test::kPiece;
using test::RandomWeights;
using test::Traffic;

std::shared_ptr<Holdings> new_holdings() {
  return std::make_shared<Holdings>(cpu::allocate);
}

// Three layers over an input, beside what hangs on a steady one.
ir::Graph layers(RandomWeights& weights) {
  ir::Builder b("layers", weights);
  auto matrix = [&](const std::string& name) {
    return b.weight(weights.declare(name, {64, 64}, 0.15f));
  };
  ir::ValueId x = b.input("x", {DType::kF32, {1, 32, 64}});
  ir::ValueId prompt = b.steady_input("prompt", {DType::kF32, {1, 32, 64}});
  ir::ValueId term =
      ir::activation(b, ir::linear(b, prompt, matrix("v"), ir::kNoValue), ir::Activation::kSilu);
  for (const char* name : {"w0", "w1", "w2"})
    x = ir::add(b, ir::linear(b, x, matrix(name), ir::kNoValue), term);
  b.output("y", x);
  b.output("again", x);
  return std::move(b).finish().value();
}

Status load(Executable& executable, RandomWeights& weights,
            std::optional<std::size_t> budget = std::nullopt) {
  OBSCURA_ASSIGN(plan::Plan plan, plan::make_plan(executable.graph(), executable.needs(), budget,
                                                  executable.layout()));
  OBSCURA_TRY(plan::check_plan(executable.graph(), executable.needs(), plan));
  return executable.load(std::move(plan), weights);
}

Tensor run_layers(Executable& executable, const Tensor& x, const Tensor& prompt) {
  Tensor y({1, 32, 64}), again({1, 32, 64});
  InputBinding inputs[] = {{"x", std::as_bytes(x.values())},
                           {"prompt", std::as_bytes(prompt.values())}};
  OutputBinding outputs[] = {{"y", std::as_writable_bytes(y.values())},
                             {"again", std::as_writable_bytes(again.values())}};
  Status status = executable.run(inputs, outputs, CancelToken());
  EXPECT_TRUE(status.ok()) << status.error().message();
  EXPECT_EQ(std::memcmp(y.data(), again.data(), y.values().size_bytes()), 0);
  return y;
}

bool equal_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

const Tensor kX = test::random_tensor({1, 32, 64}, 1),
             kPrompt = test::random_tensor({1, 32, 64}, 2);

class FarDevice : public testing::Test {
 protected:
  void SetUp() override {
    auto near = create_device("cpu", "fp32").value();
    wanted_ = test::run_on(*near, graph_, {{"x", kX}, {"prompt", kPrompt}}, weights_)->at("y");
  }
  std::unique_ptr<Executable> make(std::size_t piece_bytes) {
    return far_executable(graph_, piece_bytes, traffic_, holdings_);
  }

  RandomWeights weights_;
  ir::Graph graph_ = layers(weights_);
  std::shared_ptr<Holdings> holdings_ = new_holdings();
  Traffic traffic_;
  Tensor wanted_;
};

TEST_F(FarDevice, GivesTheSameBitsWhateverItsLayout) {
  for (std::size_t piece_bytes : {std::size_t{0}, kPiece, 2 * kPiece}) {
    auto executable = make(piece_bytes);
    for (bool streamed : {false, true}) {
      std::optional<std::size_t> budget;
      if (streamed) budget = test::smallest_budget(*executable);
      Status status = load(*executable, weights_, budget);
      ASSERT_TRUE(status.ok()) << status.error().message();
      traffic_ = {};
      for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(equal_bits(wanted_, run_layers(*executable, kX, kPrompt)));
      EXPECT_EQ(traffic_.fetches > 0, streamed);
    }
  }
}

TEST_F(FarDevice, HoldsWhatThePlanSays) {
  auto executable = make(kPiece);
  ASSERT_TRUE(load(*executable, weights_).ok());
  const plan::Plan plan =
      plan::make_plan(executable->graph(), executable->needs(), std::nullopt, executable->layout())
          .value();
  EXPECT_GT(plan.arena_bytes, kPiece);
  EXPECT_EQ(holdings_->arena_bytes(), plan.arena_bytes);
  EXPECT_EQ(holdings_->weight_bytes(), plan.resident_weight_bytes);
  std::size_t visited = 0;
  executable->visit_held([&](const void*, std::size_t bytes) { visited += bytes; });
  EXPECT_EQ(visited, plan.resident_weight_bytes);
}

TEST_F(FarDevice, KeepsWeightsOfOneThatLeaves) {
  auto first = make(kPiece), second = make(kPiece);
  const plan::Plan plan =
      plan::make_plan(first->graph(), first->needs(), std::nullopt, first->layout()).value();
  for (bool loads : {true, false}) {
    ASSERT_TRUE(load(*first, weights_).ok());
    second->keep_weights(plan, weights_);
    first->unload();
    EXPECT_EQ(second->missing_bytes(plan, weights_), 0u);
    if (loads) {
      ASSERT_TRUE(load(*second, weights_).ok());
      EXPECT_TRUE(equal_bits(wanted_, run_layers(*second, kX, kPrompt)));
    }
    second->unload();
    EXPECT_EQ(second->missing_bytes(plan, weights_), plan.resident_weight_bytes);
    EXPECT_EQ(holdings_->weight_bytes(), 0u);
  }
}

// As an adapter changes some: weights that are read as others take the places that these leave, in
// an allocation that the rest keeps.
TEST_F(FarDevice, PutsChangedWeightsWhereOthersLeft) {
  class Changed final : public WeightReader {
   public:
    explicit Changed(WeightReader& weights) : weights_(weights) {}
    Status read(const ir::WeightSpec& spec, float* target) override {
      OBSCURA_TRY(weights_.read(spec, target));
      for (std::int64_t i = 0; is_changed(spec) && i < spec.shape.elements(); ++i) target[i] *= 2;
      return {};
    }
    std::string identity(const ir::WeightSpec& spec) const override {
      return weights_.identity(spec) + (is_changed(spec) ? " doubled" : "");
    }

   private:
    static bool is_changed(const ir::WeightSpec& spec) { return spec.parts[0] == "w1"; }
    WeightReader& weights_;
  };
  Changed changed(weights_);
  auto first = make(0), second = make(0);
  const plan::Plan plan =
      plan::make_plan(first->graph(), first->needs(), std::nullopt, first->layout()).value();
  ASSERT_TRUE(second->load(plan, changed).ok());
  const Tensor doubled = run_layers(*second, kX, kPrompt);
  EXPECT_FALSE(equal_bits(wanted_, doubled));
  second->unload();

  ASSERT_TRUE(first->load(plan, weights_).ok());
  EXPECT_EQ(second->missing_bytes(plan, changed), kPiece);
  for (int i = 0; i < 2; ++i) {
    second->keep_weights(plan, changed);
    first->unload();
    EXPECT_EQ(holdings_->weight_bytes(), plan.resident_weight_bytes);
    EXPECT_EQ(second->missing_bytes(plan, changed), 0u);
    ASSERT_TRUE(second->load(plan, changed).ok());
    EXPECT_TRUE(equal_bits(doubled, run_layers(*second, kX, kPrompt)));
    first->keep_weights(plan, weights_);
    second->unload();
    ASSERT_TRUE(first->load(plan, weights_).ok());
    EXPECT_TRUE(equal_bits(wanted_, run_layers(*first, kX, kPrompt)));
    EXPECT_EQ(holdings_->weight_bytes(), plan.resident_weight_bytes);
  }
}

TEST_F(FarDevice, SendsASteadyInputAgainOnlyWhenItChanged) {
  auto executable = make(0);
  ASSERT_TRUE(load(*executable, weights_).ok());
  run_layers(*executable, kX, kPrompt);
  traffic_ = {};
  run_layers(*executable, kX, kPrompt);
  EXPECT_EQ(traffic_.copies[Lowered::Way::kToDevice], 1);
  run_layers(*executable, kX, kX);
  EXPECT_EQ(traffic_.copies[Lowered::Way::kToDevice], 3);
  EXPECT_TRUE(equal_bits(wanted_, run_layers(*executable, kX, kPrompt)));
}

// One run's output is another's input and never leaves the device.
TEST_F(FarDevice, LeavesTensorsToTheNextRun) {
  auto executable = make(0);
  ASSERT_TRUE(load(*executable, weights_).ok());
  const Tensor once = run_layers(*executable, kX, kPrompt);
  const Tensor twice = run_layers(*executable, once, kPrompt);

  MemoryPtr between = cpu::allocate(once.values().size_bytes()).value();
  const std::span<std::byte> bytes(between->data(), between->bytes());
  Tensor y({1, 32, 64}), again({1, 32, 64});
  const InputBinding prompt{"prompt", std::as_bytes(kPrompt.values())};
  InputBinding first[] = {{"x", std::as_bytes(kX.values())}, prompt};
  InputBinding second[] = {{"x", bytes, true}, prompt};
  OutputBinding left[] = {{"y", bytes, true}, {"again", std::as_writable_bytes(again.values())}};
  OutputBinding given[] = {{"y", std::as_writable_bytes(y.values())},
                           {"again", std::as_writable_bytes(again.values())}};
  ASSERT_TRUE(executable->run(first, left, CancelToken()).ok());
  traffic_ = {};
  ASSERT_TRUE(executable->run(second, given, CancelToken()).ok());
  EXPECT_TRUE(equal_bits(twice, y));
  EXPECT_EQ(traffic_.copies[Lowered::Way::kToDevice], 0);
  EXPECT_EQ(traffic_.copies[Lowered::Way::kOnDevice], 1);
}

TEST_F(FarDevice, NamesTheInputThatIsNotFinite) {
  auto executable = make(0);
  ASSERT_TRUE(load(*executable, weights_).ok());
  Tensor bad = test::random_tensor({1, 32, 64}, 5), y({1, 32, 64}), again({1, 32, 64});
  bad.data()[7] = NAN;
  InputBinding inputs[] = {{"x", std::as_bytes(std::as_const(bad).values())},
                           {"prompt", std::as_bytes(kPrompt.values())}};
  OutputBinding outputs[] = {{"y", std::as_writable_bytes(y.values())},
                             {"again", std::as_writable_bytes(again.values())}};
  Status status = executable->run(inputs, outputs, CancelToken());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "layers: its input x holds a NaN or an infinity");
  EXPECT_TRUE(equal_bits(wanted_, run_layers(*executable, kX, kPrompt)));
}

}  // namespace
}  // namespace obscura::backend
