// Products in fp8 against the plain product of operands that were rounded here.
#include <gtest/gtest.h>

#include "backend/cuda/e4m3.h"
#include "backend/graph_fixture.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/linear.h"

namespace obscura::backend {
namespace {

constexpr std::int64_t kSamples = 2, kRows = 300, kIn = 320, kOut = 640;

void round_to_f16(Tensor& tensor) {
  for (float& x : tensor.values()) x = f16_to_f32(f32_to_f16(x));
}

void round_rows(Tensor& tensor) {
  auto values = tensor.values();
  auto width = static_cast<std::size_t>(tensor.shape()[-1]);
  for (std::size_t begin = 0; begin < values.size(); begin += width)
    test::round_row_to_e4m3(values.subspan(begin, width));
}

class Fp8Linear : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!create_device("cuda").ok()) GTEST_SKIP() << "no CUDA device here";
    auto device = create_device("cuda", "fp8");
    if (!device.ok()) GTEST_SKIP() << "no fp8 products here: " << device.error().message();
    device_ = std::move(*device);
  }

  // Linear with bias and, if the parameter says so, an activation; then a residual.
  ir::Graph build(test::RandomWeights& weights) const {
    ir::Builder b("test", weights);
    ir::ValueId x = b.input("x", {DType::kF32, {kSamples, kRows, kIn}}),
                residual = b.input("residual", {DType::kF32, {kSamples, kRows, kOut}});
    ir::ValueId w = b.weight(weights.declare("w", {kOut, kIn}, 0.05f)),
                bias = b.weight(weights.declare("bias", {kOut}));
    ir::ValueId y = ir::linear(b, x, w, bias);
    if (GetParam()) y = ir::activation(b, y, ir::Activation::kGelu);
    b.output("y", ir::add(b, y, residual));
    return std::move(b).finish().value();
  }

  std::unique_ptr<Device> device_;
};

TEST_P(Fp8Linear, IsTheProductOfRoundedRows) {
  test::RandomWeights weights, rounded;
  ir::Graph graph = build(weights);
  build(rounded);
  for (const char* name : {"w", "bias"}) {
    round_to_f16(weights.tensor(name));
    round_to_f16(rounded.tensor(name));
  }
  ir::NamedTensors inputs;
  inputs.emplace("x", test::random_tensor({kSamples, kRows, kIn}, 2));
  inputs.emplace("residual", test::random_tensor({kSamples, kRows, kOut}, 3));
  for (auto& [name, tensor] : inputs) round_to_f16(tensor);
  Tensor exact = test::run_plain(graph, inputs, weights).at("y");
  auto found = test::run_on(*device_, graph, inputs, weights);
  ASSERT_TRUE(found.ok()) << found.error().message();

  round_rows(rounded.tensor("w"));
  round_rows(inputs.at("x"));
  Tensor expected = test::run_plain(graph, inputs, rounded).at("y");
  // Sums of about 14 bits and results of 11: far finer than what the rounding of the operands did.
  EXPECT_LT(test::relative_error(expected, found->at("y")), 6e-3);
  EXPECT_GT(test::relative_error(exact, expected), 3e-2);
  EXPECT_LT(test::relative_error(exact, found->at("y")), 0.3);
}

INSTANTIATE_TEST_SUITE_P(Cuda, Fp8Linear, testing::Bool());

}  // namespace
}  // namespace obscura::backend
