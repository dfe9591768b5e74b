// Runs of one Executable on CUDA: that they repeat bit by bit, replayed as a CUDA graph or not, and
// that a result that is not finite is found and named.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "backend/cuda/awkward_cases.h"
#include "backend/graph_fixture.h"
#include "backend/op_cases.h"
#include "ir/cast.h"

namespace obscura::backend {
namespace {

using ir::Builder;
using ir::ValueId;
using test::RandomWeights;

class CudaRun : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!create_device("cuda").ok()) GTEST_SKIP() << "no CUDA device here";
    auto device = create_device("cuda", GetParam());
    ASSERT_TRUE(device.ok()) << device.error().message();
    device_ = std::move(*device);
  }

  // The small network, loaded.
  void load() {
    Builder builder("net", weights_);
    test::network_case().build(builder, weights_, inputs_);
    auto executable = device_->lower(*std::move(builder).finish());
    ASSERT_TRUE(executable.ok()) << executable.error().message();
    executable_ = std::move(*executable);
    auto plan = plan::make_plan(executable_->graph(), executable_->needs(), std::nullopt,
                                executable_->layout());
    ASSERT_TRUE(plan.ok()) << plan.error().message();
    Status loaded = executable_->load(*plan, weights_);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  }

  // `poison` fills the result beforehand: every element must be written.
  Tensor run(const ir::NamedTensors& inputs, float poison) {
    const ir::Graph& graph = executable_->graph();
    std::vector<InputBinding> bound;
    for (ValueId id : graph.inputs) {
      const std::string& name = graph.value(id).name;
      bound.push_back({name, std::as_bytes(std::as_const(inputs.find(name)->second).values())});
    }
    Tensor y = Tensor::filled(graph.type(graph.output("y")).shape, poison);
    std::vector<OutputBinding> targets = {{"y", std::as_writable_bytes(y.values())}};
    Status status = executable_->run(bound, targets, CancelToken());
    EXPECT_TRUE(status.ok()) << status.error().message();
    return y;
  }

  std::unique_ptr<Device> device_;
  RandomWeights weights_;
  ir::NamedTensors inputs_;
  std::unique_ptr<Executable> executable_;
};

bool equal_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.elements()) * sizeof(float)) ==
         0;
}

TEST_P(CudaRun, RepeatsBitByBit) {
  ASSERT_NO_FATAL_FAILURE(load());
  Tensor first = run(inputs_, 1e9f);
  // However many runs come before a graph is captured, some of these replay it.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(equal_bits(first, run(inputs_, -1e9f))) << "run " << i;
  executable_.reset();
  weights_ = RandomWeights();
  ASSERT_NO_FATAL_FAILURE(load());
  EXPECT_TRUE(equal_bits(first, run(inputs_, 1e9f))) << "made anew";
}

TEST_P(CudaRun, ReplaysReadTheInputsOfTheirTime) {
  ASSERT_NO_FATAL_FAILURE(load());
  ir::NamedTensors others = inputs_;
  others["x"] = test::random_tensor(inputs_["x"].shape(), 99);
  Tensor first = run(inputs_, 0), other = run(others, 0);
  EXPECT_FALSE(equal_bits(first, other));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(equal_bits(first, run(inputs_, 0))) << "run " << i;
    EXPECT_TRUE(equal_bits(other, run(others, 0))) << "run " << i;
  }
}

// What only steady nodes read lies where later results go: all of it is there again when one of
// the steady inputs changes.
TEST_P(CudaRun, OneSteadyInputChangesAlone) {
  auto build = [&](Device& device) {
    Builder builder("net", weights_);
    auto steady = [&](const char* name) {
      inputs_.insert_or_assign(name, test::random_tensor({1, 64, 32}, 3));
      return builder.steady_input(name, {DType::kF32, {1, 64, 32}});
    };
    auto linear = [&](ValueId x, const char* name) {
      return ir::linear(builder, x, test::weight(builder, weights_, name, {32, 32}), ir::kNoValue);
    };
    ValueId kept = ir::add(builder, linear(steady("a"), "wa"), linear(steady("b"), "wb"));
    ValueId x = test::input(builder, inputs_, "x", {1, 64, 32});
    for (const char* name : {"w1", "w2", "w3"}) x = linear(x, name);
    builder.output("y", ir::add(builder, x, kept));
    auto executable = device.lower(*std::move(builder).finish());
    EXPECT_TRUE(executable.ok()) << executable.error().message();
    return std::move(*executable);
  };
  executable_ = build(*device_);
  auto plan = plan::make_plan(executable_->graph(), executable_->needs(), std::nullopt,
                              executable_->layout());
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  ASSERT_GT(plan->steady_nodes, 0u);
  ASSERT_TRUE(executable_->load(*plan, weights_).ok());
  for (const char* name : {"a", "b", "x", "b", "a"}) {
    run(inputs_, 0);
    inputs_[name] = test::random_tensor(inputs_[name].shape(), static_cast<unsigned>(name[0]));
    Tensor after = run(inputs_, 0);
    executable_->unload();
    ASSERT_TRUE(executable_->load(*plan, weights_).ok());
    EXPECT_TRUE(equal_bits(after, run(inputs_, 0))) << name << " changed";
  }
}

TEST_P(CudaRun, NamesTheOpThatIsNotFinite) {
  Builder builder("net", weights_);
  builder.set_scope("first");
  ValueId x = test::input(builder, inputs_, "x", {1, 4, 8});
  x = ir::linear(builder, x, test::weight(builder, weights_, "w", {8, 8}), ir::kNoValue);
  builder.set_scope("second");
  ValueId huge = test::weight(builder, weights_, "huge", {8, 8});
  builder.output("y", ir::add(builder, x, ir::linear(builder, x, huge, ir::kNoValue)));
  // Finite in the precision, and their sums are not.
  float largest = std::string_view(GetParam()) == "fp16" ? 65504.0f : 3e38f;
  for (float& value : weights_.tensor("huge").values()) value = largest;
  for (float& value : inputs_["x"].values()) value = 8;
  auto result = test::run_on(*device_, *std::move(builder).finish(), inputs_, weights_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::kNumeric);
  const std::map<std::string_view, std::string> types = {
      {"fp32", "F32"}, {"fp16", "F16"}, {"bf16", "BF16"}};
  EXPECT_EQ(result.error().message(),
            "net: linear at second produced a NaN or an infinity in " + types.at(GetParam()));
}

class CudaCasts : public CudaRun {};

TEST_P(CudaCasts, RoundToNearest) {
  // Ties, subnormal numbers, the largest.
  constexpr float kSpecial[] = {
      1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 1 + 0x1p-8f, 3e-8f, -6e-8f, 1e-5f, 65504, 0, -0.0f};
  Tensor x = test::random_tensor({1, 4099}, 5, 100);
  std::copy(std::begin(kSpecial), std::end(kSpecial), x.data());
  for (DType dtype : {DType::kF16, DType::kBF16}) {
    Builder builder("net", weights_);
    ValueId value = builder.input("x", {DType::kF32, x.shape()});
    value = builder.add(std::make_shared<ir::CastOp>(dtype), {value});
    builder.output("y", builder.add(std::make_shared<ir::CastOp>(DType::kF32), {value}));
    auto result = test::run_on(*device_, *std::move(builder).finish(), {{"x", x}}, weights_);
    ASSERT_TRUE(result.ok()) << result.error().message();
    for (std::int64_t i = 0; i < x.elements(); ++i) {
      float wanted = dtype == DType::kF16 ? f16_to_f32(f32_to_f16(x.data()[i]))
                                          : bf16_to_f32(f32_to_bf16(x.data()[i]));
      ASSERT_EQ(std::as_const(*result).at("y").data()[i], wanted) << "element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaRun, ::testing::Values("fp32", "fp16", "bf16"),
                         [](const auto& test) { return std::string(test.param); });
// In the others the input is rounded already.
INSTANTIATE_TEST_SUITE_P(Precisions, CudaCasts, ::testing::Values("fp32"));

}  // namespace
}  // namespace obscura::backend
