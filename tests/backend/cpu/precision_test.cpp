// The CPU's products in fewer bits: as near to the plain definition as their rounding allows, and
// the same bits however they are run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/precision.h"
#include "backend/graph_fixture.h"
#include "backend/op_cases.h"
#include "ir/activation.h"
#include "ir/attention.h"
#include "ir/linear.h"
#include "ir/products.h"
#include "tensor/dtype.h"

namespace obscura::backend {
namespace {

using test::Case;
using test::RandomWeights;

// The largest of many errors lies about five standard deviations out. A product's operands are each
// off by up to 2^-9 of themselves in bfloat16; in int8 by up to 1/254 of the largest of their row,
// which for normal numbers is three to four standard deviations.
double tolerance(const std::string& precision) {
  return precision == "bf16" ? 5 * std::ldexp(1.0, -8) : 5 * 4.0 / 254;
}

class Reduced : public testing::TestWithParam<std::tuple<Case, std::string>> {
 protected:
  void SetUp() override {
    auto device = create_device("cpu", std::get<1>(GetParam()));
    if (!device.ok()) GTEST_SKIP() << device.error().message();
    device_ = std::move(*device);
    ir::Builder builder("test", weights_);
    std::get<0>(GetParam()).build(builder, weights_, inputs_);
    auto graph = std::move(builder).finish();
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    graph_ = std::move(*graph);
  }

  RandomWeights weights_;
  ir::NamedTensors inputs_;
  ir::Graph graph_;
  std::unique_ptr<Device> device_;
};

TEST_P(Reduced, IsNearThePlainDefinition) {
  Tensor expected = test::run_plain(graph_, inputs_, weights_).at("y");
  auto result = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_LT(test::relative_error(expected, result->at("y")), tolerance(std::get<1>(GetParam())));
}

TEST_P(Reduced, StreamedWeightsChangeNoBit) {
  auto whole = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  auto executable = device_->lower(graph_);
  ASSERT_TRUE(executable.ok()) << executable.error().message();
  auto streamed =
      test::run_on(*device_, graph_, inputs_, weights_, test::smallest_budget(**executable));
  ASSERT_TRUE(streamed.ok()) << streamed.error().message();
  const Tensor &a = whole->at("y"), &b = streamed->at("y");
  EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.elements()) * sizeof(float)),
            0);
}

// Enough rows for int8, with everything that can follow a product.
std::vector<Case> int8_cases() {
  return {test::linear_case("rows_200", {1, 200, 64}, 48, true, ir::Activation::kNone, false),
          test::linear_case("rows_gelu", {2, 130, 33}, 17, true, ir::Activation::kGelu, false),
          test::linear_case("rows_residual", {1, 256, 320}, 96, false, ir::Activation::kNone, true),
          test::linear_case("rows_silu", {3, 64, 40}, 24, true, ir::Activation::kSilu, true)};
}

std::vector<Case> all_cases() {
  std::vector<Case> all = test::cases_with_weights();
  for (Case& c : int8_cases()) all.push_back(std::move(c));
  return all;
}

std::string name_of_test(const testing::TestParamInfo<Reduced::ParamType>& test) {
  return test::identifier(std::get<0>(test.param).name + "_" + std::get<1>(test.param));
}

INSTANTIATE_TEST_SUITE_P(Bf16, Reduced,
                         testing::Combine(testing::ValuesIn(all_cases()), testing::Values("bf16")),
                         name_of_test);
INSTANTIATE_TEST_SUITE_P(Int8, Reduced,
                         testing::Combine(testing::ValuesIn(int8_cases()), testing::Values("int8")),
                         name_of_test);

TEST(Precision, RoundsToBfloat16AsTheTypeDoes) {
  std::vector<float> values = {0.0f,    -0.0f,    1.0f,      1.00390625f, 1.01171875f, 3.4e38f,
                               -1e-40f, INFINITY, -INFINITY, 0.1f,        65504.0f};
  std::vector<std::uint16_t> rounded(values.size());
  cpu::round_to_bf16(values.data(), static_cast<std::int64_t>(values.size()), rounded.data());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(rounded[i], f32_to_bf16(values[i])) << values[i];
  float nan = NAN;
  cpu::round_to_bf16(&nan, 1, rounded.data());
  EXPECT_TRUE(std::isnan(bf16_to_f32(rounded[0])));
}

TEST(Precision, QuantisesARowByItsLargestMagnitude) {
  std::vector<float> row = {0.5f, -1.27f, 0.0f, 1.0f, 0.005f};
  std::vector<std::int8_t> q(row.size());
  float scale = 0;
  cpu::quantise_row(row.data(), 5, q.data(), &scale);
  EXPECT_FLOAT_EQ(scale, 0.01f);
  EXPECT_EQ(q, (std::vector<std::int8_t>{50, -127, 0, 100, 0}));  // 0.5 goes to even
  std::vector<float> zeros(7, 0.0f);
  cpu::quantise_row(zeros.data(), 7, q.data(), &scale);
  EXPECT_EQ(scale, 1.0f);
  EXPECT_EQ(q[0], 0);
}

// The rewrite, which needs no CPU that has the instructions.
TEST(Precision, SaysOfEachNodeWhatItMultipliesIn) {
  RandomWeights weights;
  ir::Builder b("net", weights);
  const ir::ValueId w = b.weight(weights.declare("w", {16, 16}));
  ir::ValueId image = ir::linear(b, b.input("image", {DType::kF32, {1, 200, 16}}), w, ir::kNoValue);
  ir::ValueId text = ir::linear(b, b.input("text", {DType::kF32, {1, 77, 16}}), w, ir::kNoValue);
  image = ir::attention(b, image, text, text, {.heads = 1, .head_size = 16});
  b.output("y", ir::activation(b, image, ir::Activation::kSilu));
  ir::Graph graph = *std::move(b).finish();

  using enum ir::Products;
  auto products = [&](const std::string& precision) {
    cpu::round_products(graph, precision);
    std::vector<ir::Products> found;
    for (const ir::Node& node : graph.nodes) found.push_back(node.products);
    return found;
  };
  EXPECT_EQ(products("bf16"), (std::vector{kBF16, kBF16, kBF16, kAsTheyAre}));
  EXPECT_NE(graph.text().find("in bf16"), std::string::npos);
  const auto known = cpu::available_precisions();
  const ir::Products other =
      std::find(known.begin(), known.end(), "bf16") != known.end() ? kBF16 : kAsTheyAre;
  EXPECT_EQ(products("int8"), (std::vector{kInt8, other, other, kAsTheyAre}));
  EXPECT_EQ(products("fp32"), (std::vector<ir::Products>(4, kAsTheyAre)));
  EXPECT_EQ(graph.text().find(" in "), std::string::npos);
}

TEST(Precision, UnknownNamesAreRefused) {
  auto device = create_device("cpu", "fp7");
  ASSERT_FALSE(device.ok());
  EXPECT_NE(device.error().message().find("fp32"), std::string::npos) << device.error().message();
}

}  // namespace
}  // namespace obscura::backend
