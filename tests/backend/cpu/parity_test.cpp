// Every op on the CPU, and every fusion that the CPU's passes make, against the plain definition.
#include <gtest/gtest.h>

#include <cstring>

#include "backend/backend.h"
#include "backend/graph_fixture.h"
#include "backend/op_cases.h"

namespace obscura::backend {
namespace {

using ir::Builder;
using ir::ValueId;
using test::Case;
using test::cases;
using test::cases_with_weights;
using test::input;
using test::RandomWeights;
using test::weight;

class Parity : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    Builder builder("test", weights_);
    GetParam().build(builder, weights_, inputs_);
    auto graph = std::move(builder).finish();
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    graph_ = std::move(*graph);
    expected_ = test::run_plain(graph_, inputs_, weights_).at("y");
    device_ = std::move(*create_device("cpu"));
  }

  RandomWeights weights_;
  ir::NamedTensors inputs_;
  ir::Graph graph_;
  Tensor expected_;
  std::unique_ptr<Device> device_;
};

TEST_P(Parity, EqualsThePlainDefinition) {
  auto result = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_LT(test::relative_error(expected_, result->at("y")),
            test::f32_tolerance(GetParam().reduction));
}

class ParityOfWeights : public Parity {};

TEST_P(ParityOfWeights, StreamedWeightsChangeNoBit) {
  auto whole = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  auto executable = device_->lower(graph_);
  ASSERT_TRUE(executable.ok()) << executable.error().message();
  std::size_t budget = test::smallest_budget(**executable);
  auto streamed = test::run_on(*device_, graph_, inputs_, weights_, budget);
  ASSERT_TRUE(streamed.ok()) << streamed.error().message();
  const Tensor &a = whole->at("y"), &b = streamed->at("y");
  EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.elements()) * sizeof(float)),
            0);
}

TEST_P(ParityOfWeights, NoticesAWrongWeight) {
  weights_.tensor("w").values()[0] += 1.0f;
  auto result = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(result.ok());
  EXPECT_GT(test::relative_error(expected_, result->at("y")),
            test::f32_tolerance(GetParam().reduction));
}

std::string test_name(const ::testing::TestParamInfo<Case>& test) {
  return test::identifier(test.param.name);
}

INSTANTIATE_TEST_SUITE_P(Ops, Parity, ::testing::ValuesIn(cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Ops, ParityOfWeights, ::testing::ValuesIn(cases_with_weights()),
                         test_name);

// A NaN is found, and named: the op, or the weight that holds it.
TEST(NonFinite, NamesTheWeight) {
  RandomWeights weights;
  Builder builder("net", weights);
  ir::NamedTensors inputs;
  builder.set_scope("middle");
  ValueId x = input(builder, inputs, "x", {1, 4, 8});
  builder.output(
      "y", ir::linear(builder, x, weight(builder, weights, "middle.weight", {8, 8}), ir::kNoValue));
  weights.tensor("middle.weight").values()[3] = NAN;
  auto device = create_device("cpu");
  auto result = test::run_on(**device, *std::move(builder).finish(), inputs, weights);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::kNumeric);
  EXPECT_EQ(result.error().message(), "net: the weight middle.weight holds a NaN or an infinity");
}

TEST(NonFinite, NamesTheOp) {
  RandomWeights weights;
  Builder builder("net", weights);
  ir::NamedTensors inputs;
  builder.set_scope("first");
  ValueId x = input(builder, inputs, "x", {1, 4, 8});
  x = ir::linear(builder, x, weight(builder, weights, "w", {8, 8}), ir::kNoValue);
  builder.set_scope("second");
  builder.output(
      "y", ir::add(builder, x,
                   ir::linear(builder, x, weight(builder, weights, "huge", {8, 8}), ir::kNoValue)));
  for (float& value : weights.tensor("huge").values()) value = 3e38f;
  auto device = create_device("cpu");
  auto result = test::run_on(**device, *std::move(builder).finish(), inputs, weights);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message(), "net: linear at second produced a NaN or an infinity in F32");
}

// An image's bits are its own: a batch of three equals three batches of one.
TEST(Batch, EqualsSinglesBitForBit) {
  auto device = create_device("cpu");
  auto run = [&](const Tensor& x, const Tensor& e) {
    RandomWeights weights(7);
    Builder b("net", weights);
    std::int64_t n = x.shape()[0];
    ValueId value = b.input("x", {DType::kF32, x.shape()}),
            embedding = b.input("e", {DType::kF32, e.shape()});
    value = ir::group_norm(b, value, weight(b, weights, "g", {64}, 1),
                           weight(b, weights, "b", {64}), {.silu = true});
    value = ir::conv2d(b, value, weight(b, weights, "c", {64, 64, 3, 3}), ir::kNoValue, 1,
                       ir::Padding::same(1));
    value = ir::add(b, value,
                    ir::linear(b, embedding, weight(b, weights, "l", {64, 40}), ir::kNoValue));
    value = ir::reshape(b, value, {n, 256, 64});
    ValueId qkv = ir::linear(b, value, weight(b, weights, "qkv", {192, 64}), ir::kNoValue);
    ir::AttentionOp::Options options{.heads = 2, .head_size = 32, .k_offset = 64, .v_offset = 128};
    b.output("y", ir::attention(b, qkv, qkv, qkv, options));
    auto result = test::run_on(**device, *std::move(b).finish(), {{"x", x}, {"e", e}}, weights);
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result->at("y");
  };
  Tensor x = test::random_tensor({3, 16, 16, 64}, 1), e = test::random_tensor({3, 40}, 2);
  Tensor batch = run(x, e);
  for (int i = 0; i < 3; ++i) {
    Tensor single = run(x.slice(i), e.slice(i)), part = batch.slice(i);
    EXPECT_EQ(std::memcmp(single.data(), part.data(),
                          static_cast<std::size_t>(part.elements()) * sizeof(float)),
              0);
  }
}

TEST(Device, UnknownNameListsWhatThereIs) {
  auto device = create_device("tpu");
  ASSERT_FALSE(device.ok());
  EXPECT_NE(device.error().message().find("cpu"), std::string::npos);
}

}  // namespace
}  // namespace obscura::backend
