// What only a prompt decides is computed once for it, and never served to another.
#include <gtest/gtest.h>

#include "backend/backend.h"
#include "backend/graph_fixture.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/linear.h"

namespace obscura::backend {
namespace {

using test::RandomWeights;

// y = W x + silu(V prompt): the second term hangs on the steady input alone.
ir::Graph graph_of(RandomWeights& weights) {
  ir::Builder builder("steady", weights);
  ir::ValueId x = builder.input("x", {DType::kF32, {1, 4, 16}});
  ir::ValueId prompt = builder.steady_input("prompt", {DType::kF32, {1, 4, 16}});
  ir::ValueId term = ir::linear(builder, prompt,
                                builder.weight(weights.declare("v", {16, 16}, 0.3f)), ir::kNoValue);
  term = ir::activation(builder, term, ir::Activation::kSilu);
  ir::ValueId y =
      ir::linear(builder, x, builder.weight(weights.declare("w", {16, 16}, 0.3f)), ir::kNoValue);
  builder.output("y", ir::add(builder, y, term));
  return std::move(builder).finish().value();
}

class Steady : public testing::Test {
 protected:
  void SetUp() override {
    executable_ = device_->lower(graph_).value();
    plan::Plan plan = plan::make_plan(executable_->graph(), executable_->needs(), std::nullopt,
                                      executable_->layout())
                          .value();
    EXPECT_GT(plan.steady_nodes, 0u);
    ASSERT_TRUE(executable_->load(plan, weights_).ok());
  }

  Tensor run(const Tensor& x, const Tensor& prompt) {
    Tensor y({1, 4, 16});
    InputBinding inputs[] = {{"x", std::as_bytes(x.values())},
                             {"prompt", std::as_bytes(prompt.values())}};
    OutputBinding outputs[] = {{"y", std::as_writable_bytes(y.values())}};
    EXPECT_TRUE(executable_->run(inputs, outputs, CancelToken()).ok());
    return y;
  }

  double error(const Tensor& x, const Tensor& prompt) {
    Tensor expected = test::run_plain(graph_, {{"x", x}, {"prompt", prompt}}, weights_).at("y");
    return test::relative_error(expected, run(x, prompt));
  }

  RandomWeights weights_;
  ir::Graph graph_ = graph_of(weights_);
  std::unique_ptr<Device> device_ = create_device("cpu").value();
  std::unique_ptr<Executable> executable_;
};

TEST_F(Steady, EveryRunIsRightWhicheverInputChanged) {
  Tensor a = test::random_tensor({1, 4, 16}, 1), b = test::random_tensor({1, 4, 16}, 2);
  Tensor p = test::random_tensor({1, 4, 16}, 3), q = test::random_tensor({1, 4, 16}, 4);
  for (const auto& [x, prompt] : {std::pair{a, p}, {b, p}, {b, q}, {a, q}, {a, p}, {a, p}})
    EXPECT_LT(error(x, prompt), 1e-6);
}

TEST_F(Steady, AnotherExecutableInTheArenaIsNoticed) {
  Tensor x = test::random_tensor({1, 4, 16}, 1), prompt = test::random_tensor({1, 4, 16}, 3);
  EXPECT_LT(error(x, prompt), 1e-6);
  RandomWeights others(9);
  auto other = test::run_on(*device_, graph_of(others), {{"x", prompt}, {"prompt", x}}, others);
  ASSERT_TRUE(other.ok());
  EXPECT_LT(error(x, prompt), 1e-6);
}

TEST_F(Steady, ACancelledRunLeavesNothingHalfDone) {
  Tensor x = test::random_tensor({1, 4, 16}, 1), prompt = test::random_tensor({1, 4, 16}, 3);
  Tensor y({1, 4, 16});
  InputBinding inputs[] = {{"x", std::as_bytes(x.values())},
                           {"prompt", std::as_bytes(prompt.values())}};
  OutputBinding outputs[] = {{"y", std::as_writable_bytes(y.values())}};
  CancelToken cancelled;
  cancelled.cancel();
  EXPECT_FALSE(executable_->run(inputs, outputs, cancelled).ok());
  EXPECT_LT(error(x, prompt), 1e-6);
}

}  // namespace
}  // namespace obscura::backend
