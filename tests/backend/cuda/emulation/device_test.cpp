// The whole backend on the emulation: what takes several networks, a device without memory, or
// streams in another order, which a test on a device cannot bring about.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/awkward_cases.h"
#include "backend/cuda/emulation/runtime.h"
#include "backend/graph_fixture.h"
#include "backend/op_cases.h"
#include "backend/self_check.h"
#include "base/files.h"
#include "ir/linear.h"
#include "runtime/session.h"

namespace obscura::backend {
namespace {

namespace emulation = test::emulation;
using test::RandomWeights;

// What the driver and the libraries take: the device never offers it.
constexpr std::size_t kLibraryBytes = std::size_t{640} << 20;

class EmulatedDevice : public ::testing::Test {
 protected:
  void SetUp() override { device_ = make("fp16"); }
  void TearDown() override {
    emulation::set_priority(emulation::Priority::kOldest);
    emulation::set_engines(emulation::Engines::kAll);
    emulation::set_device_bytes(std::size_t{1} << 30);
    emulation::refuse_allocation(-1);
  }

  static std::unique_ptr<Device> make(const std::string& precision) {
    auto device = create_device("cuda", precision);
    EXPECT_TRUE(device.ok()) << device.error().message();
    return device.ok() ? std::move(*device) : nullptr;
  }

  std::unique_ptr<Device> device_;
};

// A loaded network with its inputs.
struct Loaded {
  Loaded(Device& device, const test::Case& net, std::optional<std::size_t> budget = std::nullopt) {
    ir::Builder builder("net", weights);
    net.build(builder, weights, inputs);
    auto lowered = device.lower(*std::move(builder).finish());
    EXPECT_TRUE(lowered.ok()) << lowered.error().message();
    executable = std::move(*lowered);
    auto plan =
        plan::make_plan(executable->graph(), executable->needs(), budget, executable->layout());
    EXPECT_TRUE(plan.ok()) << plan.error().message();
    arena_bytes = plan->arena_bytes;
    Status status = executable->load(*plan, weights);
    EXPECT_TRUE(status.ok()) << status.error().message();
  }

  Result<Tensor> run() {
    std::vector<InputBinding> bound;
    for (const auto& [name, tensor] : inputs)
      bound.push_back({name, std::as_bytes(std::as_const(tensor).values())});
    const ir::Graph& graph = executable->graph();
    Tensor y(graph.type(graph.output("y")).shape);
    std::vector<OutputBinding> targets = {{"y", std::as_writable_bytes(y.values())}};
    OBSCURA_TRY(executable->run(bound, targets, CancelToken()));
    return y;
  }

  RandomWeights weights;
  ir::NamedTensors inputs;
  std::unique_ptr<Executable> executable;
  std::size_t arena_bytes = 0;
};

testing::AssertionResult equal_bits(const Tensor& wanted, const Result<Tensor>& found) {
  if (!found.ok()) return testing::AssertionFailure() << found.error().message();
  if (wanted.shape() != found->shape() ||
      std::memcmp(wanted.data(), found->data(),
                  static_cast<std::size_t>(wanted.elements()) * sizeof(float)) != 0)
    return testing::AssertionFailure() << "other bits";
  return testing::AssertionSuccess();
}

TEST_F(EmulatedDevice, PassesTheSelfCheckInEveryPrecision) {
  for (const char* precision : {"fp32", "fp16", "bf16", "fp8"}) {
    auto device = make(precision);
    Status status = self_check(*device);
    EXPECT_TRUE(status.ok()) << precision << ": " << status.error().message();
  }
}

// Attention as a pattern of operations or out of products, biases and residuals in passes of ours.
TEST_F(EmulatedDevice, DoesWithoutEnginesThatTheLibraryLacks) {
  Loaded fused(*device_, test::network_case());
  auto wanted = fused.run();
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  for (auto engines :
       {emulation::Engines::kNoAttentionOperation, emulation::Engines::kConvolutions}) {
    emulation::set_engines(engines);
    auto other = make("fp16");  // kernels are shared on a device while somebody holds them
    Loaded apart(*other, test::network_case());
    auto found = apart.run();
    ASSERT_TRUE(found.ok()) << found.error().message();
    double error = test::relative_error(*wanted, *found);
    EXPECT_GT(error, 0) << "the same kernels ran";
    EXPECT_LT(error, 2e-2);
  }
}

// Each run overwrites what the other left in the arena; each replays a graph of addresses in it.
TEST_F(EmulatedDevice, NetworksShareOneArena) {
  Loaded a(*device_, test::network_case());
  auto wanted_a = a.run();
  ASSERT_TRUE(wanted_a.ok()) << wanted_a.error().message();
  Loaded b(*device_, test::prompt_attention_case(5, 64));
  EXPECT_EQ(device_->arena_bytes(), std::max(a.arena_bytes, b.arena_bytes));
  auto wanted_b = b.run();
  ASSERT_TRUE(wanted_b.ok()) << wanted_b.error().message();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(equal_bits(*wanted_a, a.run())) << "run " << i;
    EXPECT_TRUE(equal_bits(*wanted_b, b.run())) << "run " << i;
  }
  // A larger network moves the arena from under the graphs that were recorded.
  Loaded larger(*device_, test::norm_case("larger", {2, 64, 64, 320}, 32, true));
  EXPECT_EQ(device_->arena_bytes(), larger.arena_bytes);
  EXPECT_TRUE(equal_bits(*wanted_a, a.run()));
  EXPECT_TRUE(equal_bits(*wanted_b, b.run()));
}

// Recorded and replayed, copies as early as they can be and as late.
TEST_F(EmulatedDevice, StreamedWeightsArriveInTimeInAnyOrderOfStreams) {
  Loaded resident(*device_, test::network_case());
  auto wanted = resident.run();
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  std::size_t budget = test::smallest_budget(*resident.executable);
  for (auto priority : {emulation::Priority::kOldest, emulation::Priority::kNewest}) {
    emulation::set_priority(priority);
    Loaded streamed(*device_, test::network_case(), budget);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(equal_bits(*wanted, streamed.run())) << "run " << i;
  }
}

TEST_F(EmulatedDevice, ReplaysARunInOneCall) {
  Loaded net(*device_, test::network_case());
  emulation::calls_since_last();
  ASSERT_TRUE(net.run().ok());
  const int first = emulation::calls_since_last();
  ASSERT_TRUE(net.run().ok());
  emulation::calls_since_last();
  ASSERT_TRUE(net.run().ok());
  const int replayed = emulation::calls_since_last();
  EXPECT_GT(first, 30);
  // A replay, three inputs (of which the prompt may be kept), the result, and three for its NaNs.
  EXPECT_LE(replayed, 8);
}

// A refused allocation leaves nothing behind: the same Executable loads a smaller plan later.
TEST_F(EmulatedDevice, LoadsASmallerPlanAfterARefusal) {
  Loaded net(*device_, test::network_case());
  auto wanted = net.run();
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  Executable& executable = *net.executable;
  auto make_plan = [&](std::optional<std::size_t> budget) {
    return plan::make_plan(executable.graph(), executable.needs(), budget, executable.layout());
  };
  auto whole = make_plan(std::nullopt), small = make_plan(test::smallest_budget(executable));
  ASSERT_TRUE(whole.ok() && small.ok());
  // Each allocation of a load in turn.
  int allocations = 0;
  for (;; ++allocations) {
    executable.unload();
    device_->release_arena();
    const std::size_t taken = emulation::device_bytes_taken();
    emulation::refuse_allocation(allocations);
    Status status = executable.load(*whole, net.weights);
    if (status.ok()) break;
    EXPECT_EQ(status.error().kind(), ErrorKind::kOutOfMemory);
    EXPECT_FALSE(executable.loaded());
    device_->release_arena();
    EXPECT_EQ(emulation::device_bytes_taken(), taken) << "allocation " << allocations;
  }
  emulation::refuse_allocation(-1);
  EXPECT_GE(allocations, 3) << "the arena, the weights, a flag";
  executable.unload();
  device_->release_arena();
  ASSERT_TRUE(executable.load(*small, net.weights).ok());
  EXPECT_GT(small->streamed_weight_bytes, 0u);
  EXPECT_TRUE(equal_bits(*wanted, net.run()));
}

// Layers of 256 KiB in float16, and what a job gives and gets.
struct Layers {
  static constexpr std::int64_t kWidth = 360, kCount = 8;

  Layers() {
    auto values = std::make_shared<std::vector<float>>();
    Tensor random = test::random_tensor({kCount * kWidth * kWidth}, 3, 0.05f);
    values->assign(random.values().begin(), random.values().end());
    weights = std::make_shared<runtime::WeightStore>("layers", values);
    for (std::int64_t i = 0; i < kCount; ++i) {
      auto part = std::span(*values).subspan(static_cast<std::size_t>(i * kWidth * kWidth),
                                             static_cast<std::size_t>(kWidth * kWidth));
      weights->add("w" + std::to_string(i), {DType::kF32, {kWidth, kWidth}, std::as_bytes(part)});
    }
  }
  Result<ir::Graph> graph() const {
    ir::Builder b("layers", *weights);
    ir::ValueId x = b.input("x", {DType::kF32, {4, kWidth}});
    for (std::int64_t i = 0; i < kCount; ++i)
      x = ir::linear(b, x, b.weight("w" + std::to_string(i)), ir::kNoValue);
    b.output("y", x);
    return std::move(b).finish();
  }
  Result<Tensor> run(runtime::Session& session) const {
    OBSCURA_ASSIGN(runtime::Program * program,
                   session.program("layers", weights, [&] { return graph(); }));
    Tensor x = test::random_tensor({4, kWidth}, 9), y({4, kWidth});
    std::vector<InputBinding> inputs = {{"x", std::as_bytes(std::as_const(x).values())}};
    std::vector<OutputBinding> outputs = {{"y", std::as_writable_bytes(y.values())}};
    OBSCURA_TRY(session.run(*program, inputs, outputs, CancelToken()));
    return y;
  }

  std::shared_ptr<runtime::WeightStore> weights;
};

// Between its plan and its load another program takes nearly all memory: the job goes on within
// what is left.
TEST_F(EmulatedDevice, JobsGoOnWhereMemoryIsRefused) {
  Layers layers;
  runtime::Session roomy(make("fp16"));
  auto wanted = layers.run(roomy);
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  roomy.free_memory();

  runtime::Session session(make("fp16"));
  const std::size_t before = session.budget();
  auto program = session.program("layers", layers.weights, [&] { return layers.graph(); });
  ASSERT_TRUE(program.ok()) << program.error().message();
  ASSERT_EQ((*program)->plan().streamed_weight_bytes, 0u);
  emulation::set_device_bytes(kLibraryBytes + (std::size_t{1} << 20));
  emulation::refuse_allocation(1);
  EXPECT_TRUE(equal_bits(*wanted, layers.run(session)));
  EXPECT_LT(session.budget(), before);
  EXPECT_GT((*program)->plan().streamed_weight_bytes, 0u);
}

// One run's output is another's input and never leaves the device.
TEST_F(EmulatedDevice, LeavesTensorsToTheNextRun) {
  Layers layers;
  auto lowered = device_->lower(*layers.graph());
  ASSERT_TRUE(lowered.ok()) << lowered.error().message();
  Executable& executable = **lowered;
  auto plan =
      plan::make_plan(executable.graph(), executable.needs(), std::nullopt, executable.layout());
  ASSERT_TRUE(plan.ok() && executable.load(*plan, *layers.weights).ok());
  const Tensor x = test::random_tensor({4, Layers::kWidth}, 9);
  Tensor once(x.shape()), twice(x.shape()), found(x.shape());
  auto run = [&](InputBinding input, OutputBinding output) {
    Status status = executable.run(std::span(&input, 1), std::span(&output, 1), CancelToken());
    EXPECT_TRUE(status.ok()) << status.error().message();
  };
  run({"x", std::as_bytes(x.values())}, {"y", std::as_writable_bytes(once.values())});
  run({"x", std::as_bytes(std::as_const(once).values())},
      {"y", std::as_writable_bytes(twice.values())});
  const MemoryPtr between = device_->allocate(x.values().size_bytes()).value();
  const std::span<std::byte> bytes(between->data(), between->bytes());
  run({"x", std::as_bytes(x.values())}, {"y", bytes, true});
  run({"x", bytes, true}, {"y", std::as_writable_bytes(found.values())});
  EXPECT_TRUE(equal_bits(twice, found));
}

// The context is broken: the job ends, and the next one finds a device that works.
TEST_F(EmulatedDevice, IsMadeAnewAfterItWasLost) {
  Layers layers;
  runtime::Session session(std::move(device_), std::nullopt,
                           [] { return create_device("cuda:0", "fp16"); });
  auto wanted = layers.run(session);
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  emulation::lose_device();
  auto ended = layers.run(session);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().kind(), ErrorKind::kDeviceLost);
  EXPECT_EQ(ended.error().message().find("cuda:0 was lost"), 0u) << ended.error().message();
  EXPECT_TRUE(equal_bits(*wanted, layers.run(session)));
}

// What was measured goes on record; a device that finds the record uses it and says so.
TEST_F(EmulatedDevice, PinsKernelsOnRecord) {
  const test::Case conv = test::conv_case("conv", {.x = {2, 9, 7, 16}, .out = 16}),
                   attention = test::attention_case("self", {1, 70, 32}, 70, 2, 16, false, false);
  device_->chooser()->tune(true);
  Loaded first(*device_, conv), second(*device_, attention);
  auto wanted_first = first.run(), wanted_second = second.run();
  ASSERT_TRUE(wanted_first.ok() && wanted_second.ok());
  const std::string record = device_->chooser()->choices();
  EXPECT_NE(record.find("matmul "), std::string::npos);
  EXPECT_NE(record.find("conv2d"), std::string::npos);
  auto file = std::filesystem::path(testing::TempDir()) /
              ("obscura_choices_" + std::to_string(::getpid()) + ".json");
  ASSERT_TRUE(write_file_atomically(file, record).ok());
  ::setenv("OBSCURA_CUDA_CHOICES", file.c_str(), 1);
  auto pinned = make("fp16");
  ::unsetenv("OBSCURA_CUDA_CHOICES");
  std::filesystem::remove(file);
  EXPECT_EQ(pinned->chooser()->choices(), record);
  EXPECT_EQ(pinned->describe().kernel_set, device_->describe().kernel_set);
  EXPECT_NE(pinned->describe().kernel_set, make("fp16")->describe().kernel_set);
  Loaded first_again(*pinned, conv), second_again(*pinned, attention);
  EXPECT_TRUE(equal_bits(*wanted_first, first_again.run()));
  EXPECT_TRUE(equal_bits(*wanted_second, second_again.run()));
}

}  // namespace
}  // namespace obscura::backend
