// Parameters on the CPU: content that stays from run to run, in every layout of memory.
#include <gtest/gtest.h>

#include <cstring>

#include "backend/backend.h"
#include "backend/graph_fixture.h"
#include "backend/parameter_store.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/linear.h"
#include "ir/split_op.h"

namespace obscura::backend {
namespace {

using test::RandomWeights;

const Shape kState{1, 4, 8};

// A cell with two states, one that can be updated in its place and one that is read after its next
// content is made, and a weight that is a parameter.
ir::Graph cell(RandomWeights& weights) {
  ir::Builder builder("cell", weights);
  ir::ValueId x = builder.input("x", {DType::kF32, {1, 4, 16}});
  ir::ValueId sum = builder.parameter("sum", {DType::kF32, kState});
  ir::ValueId late = builder.parameter("late", {DType::kF32, kState});
  ir::ValueId matrix = builder.parameter("matrix", {DType::kF32, {8, 8}});
  auto [a, b] = ir::split(builder, x);
  ir::ValueId next = ir::activation(builder, ir::add(builder, a, late), ir::Activation::kSilu);
  builder.assign(late, next);
  builder.assign(sum, ir::add(builder, sum, b));
  ir::ValueId w = builder.weight(weights.declare("w", {8, 8}, 0.3f));
  ir::ValueId y = ir::linear(builder, ir::add(builder, late, next), w, ir::kNoValue);
  builder.output("y", ir::linear(builder, y, matrix, ir::kNoValue));
  builder.output("sum before", sum);
  return std::move(builder).finish().value();
}

class Parameters : public testing::Test {
 protected:
  void SetUp() override { executable_ = device_->lower(graph_).value(); }

  void load() {
    plan::Plan plan = plan::make_plan(executable_->graph(), executable_->needs(), std::nullopt,
                                      executable_->layout())
                          .value();
    Status checked = plan::check_plan(executable_->graph(), executable_->needs(), plan);
    ASSERT_TRUE(checked.ok()) << checked.error().message();
    EXPECT_GE(plan.parameter_bytes, 3 * plan::kAlignment);
    ASSERT_TRUE(executable_->load(plan, weights_).ok());
    EXPECT_EQ(device_->held_bytes(), plan.peak_bytes());
  }

  // One run of the device and one of the plain definitions, which must agree.
  void run(unsigned seed) {
    ir::NamedTensors inputs = {{"x", test::random_tensor({1, 4, 16}, seed)}};
    auto plain = ir::evaluate(
        graph_, inputs,
        [&](const ir::WeightSpec& spec) -> Result<Tensor> {
          Tensor tensor(spec.shape);
          OBSCURA_TRY(weights_.read(spec, tensor.data()));
          return tensor;
        },
        expected_);
    ASSERT_TRUE(plain.ok()) << plain.error().message();
    Tensor y(kState), before(kState);
    InputBinding in{"x", std::as_bytes(inputs.at("x").values())};
    OutputBinding out[] = {{"y", std::as_writable_bytes(y.values())},
                           {"sum before", std::as_writable_bytes(before.values())}};
    ASSERT_TRUE(executable_->run(std::span(&in, 1), out, CancelToken()).ok());
    EXPECT_LT(test::relative_error(plain->at("y"), y), test::f32_tolerance(64));
    EXPECT_LT(test::relative_error(plain->at("sum before"), before), test::f32_tolerance(1));
  }

  void set(const std::string& name, const Tensor& tensor) {
    expected_.insert_or_assign(name, tensor);
    ASSERT_TRUE(executable_->write_parameter(name, std::as_bytes(tensor.values())).ok());
  }
  Tensor get(const std::string& name) {
    Tensor tensor(expected_.at(name).shape());
    EXPECT_TRUE(executable_->read_parameter(name, std::as_writable_bytes(tensor.values())).ok());
    return tensor;
  }

  RandomWeights weights_;
  ir::Graph graph_ = cell(weights_);
  std::unique_ptr<Device> device_ = create_device("cpu").value();
  std::unique_ptr<Executable> executable_;
  ir::NamedTensors expected_ = {{"sum", Tensor(kState)}, {"late", Tensor(kState)}};
};

TEST_F(Parameters, EveryRunReadsWhatTheLastOneLeft) {
  load();
  set("matrix", test::random_tensor({8, 8}, 7));
  for (unsigned seed = 0; seed < 4; ++seed) run(seed);
  EXPECT_LT(test::relative_error(expected_.at("sum"), get("sum")), test::f32_tolerance(4));
  EXPECT_LT(test::relative_error(expected_.at("late"), get("late")), test::f32_tolerance(4));
  set("sum", Tensor(kState));
  run(5);
}

TEST_F(Parameters, UnloadingKeepsThem) {
  set("matrix", test::random_tensor({8, 8}, 7));
  load();
  run(1);
  executable_->unload();
  device_->release_arena();
  EXPECT_EQ(device_->held_bytes(), 0u);
  EXPECT_LT(test::relative_error(expected_.at("sum"), get("sum")), test::f32_tolerance(4));
  set("late", test::random_tensor(kState, 9));
  load();
  run(2);
}

// What reads the cell's state, in a graph of its own.
ir::Graph reader() {
  const RandomWeights none;
  ir::Builder builder("reader", none);
  ir::ValueId x = builder.input("x", {DType::kF32, kState});
  ir::ValueId sum = builder.parameter("sum", {DType::kF32, kState});
  builder.output("y", ir::add(builder, x, sum));
  return std::move(builder).finish().value();
}

TEST_F(Parameters, AreThoseOfAllThatShareAStore) {
  auto second = device_->lower(reader()).value();
  auto store = std::make_shared<ParameterStore>();
  executable_->bind_parameters(store);
  second->bind_parameters(store);
  set("matrix", test::random_tensor({8, 8}, 7));
  const plan::Plan plan =
      plan::make_plan(second->graph(), second->needs(), std::nullopt, second->layout()).value();
  EXPECT_EQ(second->missing_bytes(plan, weights_), plan::kAlignment);
  load();
  run(1);
  EXPECT_EQ(second->missing_bytes(plan, weights_), 0u);
  const std::size_t held = device_->weight_bytes();
  ASSERT_TRUE(second->load(plan, weights_).ok());
  EXPECT_EQ(device_->weight_bytes(), held);

  auto sum_now = [&] {
    Tensor x(kState), y(kState);
    InputBinding in{"x", std::as_bytes(x.values())};
    OutputBinding out{"y", std::as_writable_bytes(y.values())};
    EXPECT_TRUE(second->run(std::span(&in, 1), std::span(&out, 1), CancelToken()).ok());
    return y;
  };
  EXPECT_LT(test::relative_error(expected_.at("sum"), sum_now()), test::f32_tolerance(4));
  run(2);
  EXPECT_LT(test::relative_error(expected_.at("sum"), sum_now()), test::f32_tolerance(4));
  // The last that is loaded brings it back to the host.
  executable_->unload();
  EXPECT_LT(test::relative_error(expected_.at("sum"), sum_now()), test::f32_tolerance(4));
  set("sum", test::random_tensor(kState, 11));
  EXPECT_LT(test::relative_error(expected_.at("sum"), sum_now()), test::f32_tolerance(1));
  second->unload();
  EXPECT_EQ(device_->weight_bytes(), 0u);
  EXPECT_LT(test::relative_error(expected_.at("sum"), get("sum")), test::f32_tolerance(1));
  load();
  run(3);
}

}  // namespace
}  // namespace obscura::backend
