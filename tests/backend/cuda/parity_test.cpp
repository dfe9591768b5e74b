// Every op on CUDA in every precision, against the plain definition in float32: inputs and weights
// are rounded to the precision first, so that only the arithmetic differs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <tuple>

#include "backend/backend.h"
#include "backend/cuda/awkward_cases.h"
#include "backend/graph_fixture.h"
#include "backend/op_cases.h"

namespace obscura::backend {
namespace {

using ir::Builder;
using ir::ValueId;
using test::Case;
using test::RandomWeights;

DType dtype_of(const std::string& precision) {
  return precision == "fp16" ? DType::kF16 : precision == "bf16" ? DType::kBF16 : DType::kF32;
}

// Half a unit in the last place, relative: the largest error of one rounding.
double unit_roundoff(DType dtype) {
  return dtype == DType::kF16 ? std::ldexp(1.0, -11)
                              : std::ldexp(1.0, dtype == DType::kBF16 ? -8 : -24);
}

void round_to(DType dtype, Tensor& tensor) {
  for (float& x : tensor.values()) {
    if (dtype == DType::kF16) x = f16_to_f32(f32_to_f16(x));
    if (dtype == DType::kBF16) x = bf16_to_f32(f32_to_bf16(x));
  }
}

// Results that are rounded to the precision on the way: those of every node but the last, and
// inside a library's product what is added after it in a pass of its own.
std::size_t roundings_between(const ir::Graph& graph) {
  std::size_t count = graph.nodes.size() - 1;
  for (const ir::Node& node : graph.nodes) {
    std::string_view name = node.op->name();
    if (name == "linear" || name == "conv2d" || name == "attention") return count + 1;
  }
  return count;
}

struct Tolerance {
  // Sums are float32. The last rounding costs u of the element. Those in between spread over many
  // terms: u / 2.4 in the root mean square, 4.5 times that in the largest of 10^5, growing with the
  // square root of their number; twice that is allowed. An element far above the others is the sum
  // of few terms, and off by as much of its own size.
  Tolerance(const Tensor& expected, DType dtype, std::int64_t reduction, std::size_t between) {
    double squares = 0;
    for (float x : expected.values()) squares += static_cast<double>(x) * x;
    rms = std::sqrt(squares / static_cast<double>(expected.elements()));
    u = dtype == DType::kF32 ? 0 : unit_roundoff(dtype);
    sums = test::f32_tolerance(reduction);
    spread = 4 * u * std::sqrt(static_cast<double>(between));
  }
  double at(double value) const {
    double size = std::fabs(value);
    return (sums + spread) * std::max(rms, size) + u * size + 1e-30;
  }
  double rms, u, sums, spread;
};

::testing::AssertionResult agrees(const Tensor& expected, const Tensor& actual,
                                  const Tolerance& tolerance) {
  if (expected.shape() != actual.shape()) {
    return ::testing::AssertionFailure()
           << "wanted " << expected.shape().text() << ", got " << actual.shape().text();
  }
  auto error = [&](std::int64_t i) {
    return std::fabs(static_cast<double>(expected.data()[i]) - actual.data()[i]);
  };
  auto describe = [&](std::int64_t i) {
    return fmt::format("element {} wants {:.8g}, got {:.8g}: error {:.3g}, tolerance {:.3g}", i,
                       expected.data()[i], actual.data()[i], error(i),
                       tolerance.at(expected.data()[i]));
  };
  std::int64_t first = -1, wrong = 0, worst_at = 0;
  double worst = 0;
  for (std::int64_t i = 0; i < expected.elements(); ++i) {
    double ratio = error(i) / tolerance.at(expected.data()[i]);
    if (ratio <= worst) continue;  // not so for NaN
    worst = std::isnan(ratio) ? worst : ratio;
    worst_at = i;
    if (ratio <= 1) continue;
    if (first < 0) first = i;
    ++wrong;
  }
  if (wrong == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << expected.shape().text() << ": the first that differs: " << describe(first)
         << "; the worst: " << describe(worst_at);
}

// nullptr where there is no CUDA device. Made once for each precision: library handles are slow to
// make.
class Devices : public ::testing::Environment {
 public:
  void TearDown() override { made().clear(); }

  static Device* find(const std::string& precision) {
    static const bool present = create_device("cuda").ok();
    if (!present) return nullptr;
    std::unique_ptr<Device>& device = made()[precision];
    if (device == nullptr) {
      auto created = create_device("cuda", precision);
      EXPECT_TRUE(created.ok()) << created.error().message();
      if (created.ok()) device = std::move(*created);
    }
    return device.get();
  }

 private:
  static std::map<std::string, std::unique_ptr<Device>>& made() {
    static std::map<std::string, std::unique_ptr<Device>> devices;
    return devices;
  }
};

const ::testing::Environment* const kDevices =
    ::testing::AddGlobalTestEnvironment(new Devices());  // gtest deletes it

using Parameter = std::tuple<std::string, Case>;

class CudaParity : public ::testing::TestWithParam<Parameter> {
 protected:
  void SetUp() override {
    device_ = Devices::find(std::get<0>(GetParam()));
    if (device_ == nullptr) GTEST_SKIP() << "no CUDA device here";
    const Case& c = std::get<1>(GetParam());
    Builder builder("test", weights_);
    c.build(builder, weights_, inputs_);
    auto graph = std::move(builder).finish();
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    graph_ = std::move(*graph);
    DType dtype = dtype_of(std::get<0>(GetParam()));
    for (const ir::Value& value : graph_.values) {
      if (value.weight)
        for (const std::string& part : value.weight->parts) round_to(dtype, weights_.tensor(part));
    }
    for (ir::ValueId id : graph_.inputs) {
      const ir::Value& value = graph_.value(id);
      if (value.type.dtype == DType::kF32) round_to(dtype, inputs_.find(value.name)->second);
    }
    expected_ = test::run_plain(graph_, inputs_, weights_).at("y");
    tolerance_ = std::make_unique<Tolerance>(std::as_const(expected_), dtype, c.reduction,
                                             roundings_between(graph_));
  }

  // The next case gets an arena of its own size: what lies behind a value is more often no memory.
  void TearDown() override {
    if (device_ != nullptr) device_->release_arena();
  }

  Device* device_ = nullptr;
  RandomWeights weights_;
  ir::NamedTensors inputs_;
  ir::Graph graph_;
  Tensor expected_;
  std::unique_ptr<Tolerance> tolerance_;
};

TEST_P(CudaParity, EqualsThePlainDefinition) {
  auto result = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_TRUE(agrees(expected_, result->at("y"), *tolerance_));
}

class CudaParityOfWeights : public CudaParity {};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.elements()) * sizeof(float)) ==
             0;
}

TEST_P(CudaParityOfWeights, StreamedWeightsChangeNoBit) {
  auto whole = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  auto executable = device_->lower(graph_);
  ASSERT_TRUE(executable.ok()) << executable.error().message();
  std::size_t budget = test::smallest_budget(**executable);
  auto streamed = test::run_on(*device_, graph_, inputs_, weights_, budget);
  ASSERT_TRUE(streamed.ok()) << streamed.error().message();
  EXPECT_TRUE(same_bits(whole->at("y"), streamed->at("y")));
}

TEST_P(CudaParityOfWeights, NoticesAWrongWeight) {
  weights_.tensor("w").values()[0] += 1.0f;
  auto result = test::run_on(*device_, graph_, inputs_, weights_);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_FALSE(agrees(expected_, result->at("y"), *tolerance_));
}

std::string test_name(const ::testing::TestParamInfo<Parameter>& test) {
  return std::get<0>(test.param) + "_" + test::identifier(std::get<1>(test.param).name);
}

const auto kPrecisions = ::testing::Values("fp32", "fp16", "bf16");

INSTANTIATE_TEST_SUITE_P(Ops, CudaParity,
                         ::testing::Combine(kPrecisions, ::testing::ValuesIn(test::cases())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Norms, CudaParity,
                         ::testing::Combine(kPrecisions,
                                            ::testing::ValuesIn(test::awkward_norms())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Elementwise, CudaParity,
                         ::testing::Combine(kPrecisions,
                                            ::testing::ValuesIn(test::awkward_elementwise())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Features, CudaParity,
                         ::testing::Combine(kPrecisions,
                                            ::testing::ValuesIn(test::awkward_features())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Merges, CudaParity,
                         ::testing::Combine(kPrecisions,
                                            ::testing::ValuesIn(test::awkward_merges())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Products, CudaParity,
                         ::testing::Combine(kPrecisions,
                                            ::testing::ValuesIn(test::awkward_products())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Ops, CudaParityOfWeights,
                         ::testing::Combine(kPrecisions,
                                            ::testing::ValuesIn(test::cases_with_weights())),
                         test_name);

}  // namespace
}  // namespace obscura::backend
