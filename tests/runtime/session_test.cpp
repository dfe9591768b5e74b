// Sessions on a device whose memory other programs take away: the CPU behind a limit of its own.
#include "runtime/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backend/parameter_store.h"
#include "ir/arithmetic.h"
#include "ir/conv2d.h"
#include "ir/linear.h"
#include "runtime/image_network.h"
#include "runtime/planning_device.h"

namespace obscura::runtime {
namespace {

// Bytes that the device has for us, and what happened to requests for more.
struct Memory {
  std::size_t bytes = 0;
  std::size_t images = 0;    // of `bytes`, beside what Programs hold
  std::size_t claimed = 0;   // what describe() says, if it is not `bytes`
  std::size_t prepared = 0;  // of weights that were to stay
  int refusals = 0, loads = 0, refused_runs = 0;
  int runs_to_loss = -1;  // then the device is lost; below 0 it never is
};

class LimitedExecutable final : public backend::Executable {
 public:
  LimitedExecutable(std::unique_ptr<backend::Executable> inner, std::shared_ptr<Memory> memory)
      : inner_(std::move(inner)), memory_(std::move(memory)) {}

  const ir::Graph& graph() const override { return inner_->graph(); }
  const std::vector<plan::NodeNeeds>& needs() const override { return inner_->needs(); }
  plan::Layout layout() const override { return inner_->layout(); }
  Status load(plan::Plan plan, backend::WeightReader& weights) override {
    if (plan.peak_bytes() + memory_->images > memory_->bytes) {
      ++memory_->refusals;
      return Error(ErrorKind::kOutOfMemory, "allocating " + std::to_string(plan.peak_bytes()));
    }
    ++memory_->loads;
    memory_->prepared += inner_->missing_bytes(plan, weights);
    return inner_->load(std::move(plan), weights);
  }
  void unload() override { inner_->unload(); }
  bool loaded() const override { return inner_->loaded(); }
  std::size_t missing_bytes(const plan::Plan& plan,
                            const backend::WeightReader& weights) const override {
    return inner_->missing_bytes(plan, weights);
  }
  void keep_weights(const plan::Plan& plan, const backend::WeightReader& weights) override {
    inner_->keep_weights(plan, weights);
  }
  void visit_held(const backend::HeldVisitor& visit) const override { inner_->visit_held(visit); }
  void bind_parameters(std::shared_ptr<backend::ParameterStore> store) override {
    inner_->bind_parameters(std::move(store));
  }
  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) override {
    return inner_->write_parameter(name, bytes);
  }
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) override {
    return inner_->read_parameter(name, bytes);
  }
  Status run(std::span<const backend::InputBinding> inputs,
             std::span<const backend::OutputBinding> outputs, const CancelToken& cancel) override {
    if (memory_->refused_runs > 0) {
      --memory_->refused_runs;
      return Error(ErrorKind::kOutOfMemory, "allocating the arena");
    }
    if (memory_->runs_to_loss >= 0 && memory_->runs_to_loss-- == 0)
      return Error(ErrorKind::kDeviceLost, "an illegal address was read");
    return inner_->run(inputs, outputs, cancel);
  }
  Result<std::vector<double>> profile(std::span<const backend::InputBinding> inputs,
                                      std::span<const backend::OutputBinding> outputs) override {
    return inner_->profile(inputs, outputs);
  }

 private:
  std::unique_ptr<backend::Executable> inner_;
  std::shared_ptr<Memory> memory_;
};

class LimitedDevice final : public backend::Device {
 public:
  LimitedDevice(std::unique_ptr<backend::Device> inner, std::shared_ptr<Memory> memory)
      : inner_(std::move(inner)), memory_(std::move(memory)) {}

  backend::DeviceDescription describe() const override {
    backend::DeviceDescription description = inner_->describe();
    description.available_bytes = memory_->claimed != 0 ? memory_->claimed : memory_->bytes;
    return description;
  }
  Result<ir::Graph> rewrite(ir::Graph graph) override { return inner_->rewrite(std::move(graph)); }
  Result<std::unique_ptr<backend::Executable>> lower(ir::Graph graph) override {
    OBSCURA_ASSIGN(auto executable, inner_->lower(std::move(graph)));
    return std::unique_ptr<backend::Executable>(
        std::make_unique<LimitedExecutable>(std::move(executable), memory_));
  }
  Result<backend::MemoryPtr> allocate(std::size_t bytes) override {
    return inner_->allocate(bytes);
  }
  std::size_t arena_bytes() const override { return inner_->arena_bytes(); }
  std::size_t weight_bytes() const override { return inner_->weight_bytes(); }
  void release_arena() override { inner_->release_arena(); }

 private:
  std::unique_ptr<backend::Device> inner_;
  std::shared_ptr<Memory> memory_;
};

constexpr std::int64_t kWidth = 64, kLayers = 8;

class LimitedSession : public ::testing::Test {
 protected:
  void SetUp() override {
    // Eight layers of weights of 16 KiB, and 3x3 filters of 16 channels.
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.1f);
    auto values = std::make_shared<std::vector<float>>(kLayers * kWidth * kWidth);
    for (float& value : *values) value = normal(random);
    weights_ = std::make_shared<WeightStore>("test weights", values);
    for (std::int64_t i = 0; i < kLayers; ++i) {
      auto part = std::span(*values).subspan(static_cast<std::size_t>(i * kWidth * kWidth));
      weights_->add("w" + std::to_string(i),
                    {DType::kF32, {kWidth, kWidth}, std::as_bytes(part.first(kWidth * kWidth))});
      weights_->add("f" + std::to_string(i),
                    {DType::kF32, {16, 16, 3, 3}, std::as_bytes(part.first(16 * 16 * 9))});
    }
    memory_->bytes = std::size_t{1} << 30;
    session_ = std::make_unique<Session>(*make_device(), std::size_t{1} << 30,
                                         [this] { return remake(); });
  }

  Result<std::unique_ptr<backend::Device>> make_device() {
    OBSCURA_ASSIGN(auto cpu, backend::create_device("cpu", "fp32"));
    return std::unique_ptr<backend::Device>(
        std::make_unique<LimitedDevice>(std::move(cpu), memory_));
  }

  Result<std::unique_ptr<backend::Device>> remake() {
    ++remade_;
    if (gone_) return Error(ErrorKind::kIo, "nothing answers on the bus");
    return make_device();
  }

  Result<ir::Graph> graph() const {
    ir::Builder builder("layers", *weights_);
    ir::ValueId x = builder.input("x", {DType::kF32, {1, 4, kWidth}});
    for (std::int64_t i = 0; i < kLayers; ++i)
      x = ir::linear(builder, x, builder.weight("w" + std::to_string(i)), ir::kNoValue);
    builder.output("y", x);
    return std::move(builder).finish();
  }

  Result<Program*> layers(const std::string& key) {
    return session_->program(key, weights_, [&] { return graph(); });
  }

  Status run(Program& program) {
    backend::InputBinding in{"x", std::as_bytes(std::as_const(x_).values())};
    backend::OutputBinding out{"y", std::as_writable_bytes(y_.values())};
    return session_->run(program, std::span(&in, 1), std::span(&out, 1), CancelToken());
  }

  bool same_bits(const Tensor& other) const {
    return std::memcmp(y_.data(), other.data(),
                       static_cast<std::size_t>(y_.elements()) * sizeof(float)) == 0;
  }

  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
  std::shared_ptr<WeightStore> weights_;
  std::unique_ptr<Session> session_;
  int remade_ = 0;
  bool gone_ = false;
  Tensor x_ = Tensor::filled({1, 4, kWidth}, 0.5f), y_{Shape{1, 4, kWidth}};
};

TEST_F(LimitedSession, PlansAnewWhenTheDeviceHasLess) {
  auto program = layers("one");
  ASSERT_TRUE(program.ok()) << program.error().message();
  ASSERT_TRUE(run(**program).ok());
  Tensor whole = y_;
  std::size_t needed = (*program)->plan().peak_bytes();
  EXPECT_EQ((*program)->plan().streamed_weight_bytes, 0u);

  session_->free_memory();
  memory_->bytes = needed - 40000;
  y_ = Tensor({1, 4, kWidth});
  Status status = run(**program);
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_TRUE(same_bits(whole));
  EXPECT_EQ(memory_->refusals, 1);
  EXPECT_GT((*program)->plan().streamed_weight_bytes, 0u);
  EXPECT_LE((*program)->plan().peak_bytes(), memory_->bytes);
  EXPECT_EQ(session_->budget(), memory_->bytes);

  // Others are planned for what there is, without being refused first; the pointer stays good.
  auto other = layers("two");
  ASSERT_TRUE(other.ok());
  EXPECT_LE((*other)->plan().peak_bytes(), memory_->bytes);
  ASSERT_TRUE(run(**program).ok());
  EXPECT_TRUE(same_bits(whole));
  EXPECT_EQ(memory_->refusals, 1);

  // With the memory back, the budget of the beginning is back as well.
  memory_->bytes = std::size_t{1} << 30;
  session_->free_memory();
  EXPECT_EQ(session_->budget(), std::size_t{1} << 30);
  ASSERT_TRUE(run(**program).ok());
  EXPECT_EQ((*program)->plan().streamed_weight_bytes, 0u);
  EXPECT_TRUE(same_bits(whole));
}

TEST_F(LimitedSession, FindsLessThanTheDeviceSaysItHas) {
  auto program = layers("one");
  ASSERT_TRUE(program.ok());
  memory_->claimed = std::size_t{1} << 30;
  memory_->bytes = (*program)->plan().peak_bytes() * 6 / 10;
  Status status = run(**program);
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_GT(memory_->refusals, 2);
  EXPECT_LE((*program)->plan().peak_bytes(), memory_->bytes);
}

TEST_F(LimitedSession, RepeatsARunThatWasRefusedMemory) {
  auto program = layers("one");
  ASSERT_TRUE(program.ok());
  memory_->refused_runs = 1;
  Status status = run(**program);
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_EQ(memory_->loads, 2);
}

TEST_F(LimitedSession, SaysWhatIsLackingWhenNothingIsLeft) {
  auto program = layers("one");
  ASSERT_TRUE(program.ok());
  memory_->bytes = 1000;
  Status status = run(**program);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kOutOfMemory);
  EXPECT_NE(status.error().message().find("lacking"), std::string::npos)
      << status.error().message();
  // The Program is whole: it runs once there is memory.
  memory_->bytes = std::size_t{1} << 30;
  session_->free_memory();
  EXPECT_TRUE(run(**program).ok());
}

TEST_F(LimitedSession, EndsTheJobOfALostDeviceAndRunsTheNext) {
  auto program = layers("one");
  ASSERT_TRUE(program.ok());
  ASSERT_TRUE(run(**program).ok());
  Tensor whole = y_;
  y_ = Tensor({1, 4, kWidth});
  memory_->runs_to_loss = 0;
  Status status = run(**program);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kDeviceLost);
  EXPECT_EQ(status.error().message(),
            "cpu was lost, and this job with it: an illegal address was read; the next job starts "
            "it again");
  EXPECT_EQ(remade_, 0);

  program = layers("one");
  ASSERT_TRUE(program.ok()) << program.error().message();
  EXPECT_EQ(remade_, 1);
  ASSERT_TRUE(run(**program).ok());
  EXPECT_TRUE(same_bits(whole));
  EXPECT_EQ(remade_, 1);
}

TEST_F(LimitedSession, AsksForALostDeviceAgainUntilItIsBack) {
  auto program = layers("one");
  ASSERT_TRUE(program.ok());
  memory_->runs_to_loss = 0;
  ASSERT_FALSE(run(**program).ok());
  gone_ = true;
  for (int attempt = 1; attempt <= 2; ++attempt) {
    program = layers("one");
    ASSERT_FALSE(program.ok());
    EXPECT_EQ(program.error().kind(), ErrorKind::kDeviceLost);
    EXPECT_EQ(program.error().message(),
              "cpu was lost and cannot be started again: nothing answers on the bus");
    EXPECT_EQ(remade_, attempt);
  }
  EXPECT_EQ(session_->device().describe().name, "cpu");
  gone_ = false;
  program = layers("one");
  ASSERT_TRUE(program.ok());
  EXPECT_TRUE(run(**program).ok());
}

// Doubles one layer, as an adapter changes some.
class Doubled final : public WeightChange {
 public:
  const std::string& identity() const override { return identity_; }
  bool touches(std::string_view name) const override { return name == "w3"; }
  Status apply(std::string_view, const Shape& shape, float* values) const override {
    for (std::int64_t i = 0; i < shape.elements(); ++i) values[i] *= 2;
    return {};
  }

 private:
  std::string identity_ = "doubled";
};

// Going from one set of weights to another prepares what differs, also where there is no room for
// both, and where not even one has all its weights on the device.
TEST_F(LimitedSession, PreparesWhatDiffersWhereTwoDoNotFit) {
  constexpr std::size_t kLayer = sizeof(float) * kWidth * kWidth;
  auto doubled = weights_->with(std::make_shared<Doubled>());
  auto run_with = [&](const std::shared_ptr<WeightStore>& weights) {
    auto program = session_->program("layers", weights, [&] { return graph(); });
    memory_->prepared = 0;
    EXPECT_TRUE(program.ok() && run(**program).ok());
    EXPECT_LE(session_->device().held_bytes(), session_->budget());
    return y_.clone();
  };
  const Tensor bare = run_with(weights_), changed = run_with(doubled);
  EXPECT_FALSE(same_bits(bare));
  const std::size_t whole = (*layers("layers"))->plan().peak_bytes();
  for (std::size_t budget : {whole + kLayer / 2, whole - 3 * kLayer}) {
    session_ = std::make_unique<Session>(*make_device(), budget);
    run_with(weights_);
    EXPECT_GT(memory_->prepared, kLayer);
    for (int i = 0; i < 2; ++i) {
      run_with(doubled);
      EXPECT_TRUE(same_bits(changed));
      EXPECT_LE(memory_->prepared, kLayer);
      run_with(weights_);
      EXPECT_TRUE(same_bits(bare));
      EXPECT_LE(memory_->prepared, kLayer);
    }
  }
}

// A job's peak is what its own Programs hold, as planned: not what an earlier job has left, though
// that stays prepared as long as there is room.
TEST_F(LimitedSession, HoldsForAJobWhatWasPlannedForItAlone) {
  std::vector<PlannedNetwork> networks;
  Session planning(planning_device(*make_device(), networks), session_->budget());
  auto planned = planning.program("one", weights_, [&] { return graph(); });
  ASSERT_TRUE(planned.ok() && planning.load(**planned).ok());
  EXPECT_EQ(planning.peak_held_bytes(), (*planned)->plan().peak_bytes());

  auto others = std::make_shared<WeightStore>("other weights", nullptr);
  for (const auto& [name, tensor] : weights_->tensors()) others->add(name, tensor);
  auto other = session_->program("other", others, [&] { return graph(); });
  ASSERT_TRUE(other.ok() && run(**other).ok());
  session_->restart_peak();
  auto program = layers("one");
  ASSERT_TRUE(program.ok() && run(**program).ok());
  EXPECT_EQ(session_->peak_held_bytes(), planning.peak_held_bytes());
  EXPECT_GT(session_->device().held_bytes(), planning.peak_held_bytes());
  // Within one job both count.
  ASSERT_TRUE(run(**other).ok());
  EXPECT_EQ(session_->peak_held_bytes(), session_->device().held_bytes());
}

TEST_F(LimitedSession, CutsImagesIntoStripsWhenTheDeviceHasLess) {
  ir::Builder builder("image", *weights_);
  ir::ValueId x = builder.input("x", {DType::kF32, {1, 96, 64, 16}});
  for (int i = 0; i < 4; ++i)
    x = ir::conv2d(builder, x, builder.weight("f" + std::to_string(i)), ir::kNoValue, 1,
                   ir::Padding::same(1));
  builder.output("y", x);
  auto network = ImageNetwork::plan(*session_, "image", weights_, *std::move(builder).finish());
  ASSERT_TRUE(network.ok()) << network.error().message();
  ASSERT_EQ(network->steps().size(), 1u);
  ASSERT_EQ(network->steps()[0].strip_rows, 0);
  Tensor image(Shape{1, 96, 64, 16});
  for (std::int64_t i = 0; i < image.elements(); ++i)
    image.data()[i] = static_cast<float>(i * 7919 % 2001 - 1000) * 1e-3f;
  auto whole = network->run(*session_, image, CancelToken());
  ASSERT_TRUE(whole.ok()) << whole.error().message();

  session_->free_memory();
  // Too little for the image's Program, enough for the images and a strip.
  memory_->images = 2 * static_cast<std::size_t>(image.elements()) * sizeof(float);
  memory_->bytes = network->peak_bytes() - 100000;
  auto strips = network->run(*session_, image, CancelToken());
  ASSERT_TRUE(strips.ok()) << strips.error().message();
  EXPECT_GT(memory_->refusals, 0);
  float largest = 0, difference = 0;
  for (std::int64_t i = 0; i < whole->elements(); ++i) {
    largest = std::max(largest, std::abs(whole->data()[i]));
    difference = std::max(difference, std::abs(whole->data()[i] - strips->data()[i]));
  }
  EXPECT_LT(difference, 1e-5f * largest);
}

// A graph that adds its input to what the runs before have added.
Result<ir::Graph> sums(const WeightStore& weights) {
  ir::Builder builder("sums", weights);
  const ir::ValueType row{DType::kF32, {1, 4, kWidth}};
  const ir::ValueId sum = builder.parameter("sum", row);
  const ir::ValueId next = ir::add(builder, sum, builder.input("x", row));
  builder.assign(sum, next);
  builder.output("y", next);
  return std::move(builder).finish();
}

TEST_F(LimitedSession, LetsProgramsShareParameters) {
  const auto store = std::make_shared<backend::ParameterStore>();
  std::vector<Program*> programs;
  for (const char* key : {"one", "two"}) {
    auto program = session_->program(key, weights_, [&] { return sums(*weights_); });
    ASSERT_TRUE(program.ok()) << program.error().message();
    (*program)->bind_parameters(store);
    programs.push_back(*program);
  }
  const std::vector<float> begun(4 * kWidth, 1.0F);
  ASSERT_TRUE(programs[0]->write_parameter("sum", std::as_bytes(std::span(begun))).ok());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(run(*programs[static_cast<std::size_t>(i % 2)]).ok());
  EXPECT_EQ(y_.data()[0], 1 + 4 * 0.5F);
  std::vector<float> sum(4 * kWidth);
  session_->free_memory();
  ASSERT_TRUE(programs[1]->read_parameter("sum", std::as_writable_bytes(std::span(sum))).ok());
  EXPECT_EQ(sum, std::vector<float>(4 * kWidth, 3.0F));
}

// What is shared is planned, and held, once.
TEST(PlanningDevice, HoldsSharedParametersOnce) {
  const auto weights = std::make_shared<WeightStore>("none", nullptr);
  std::vector<PlannedNetwork> networks;
  Session planning(planning_device(backend::create_device("cpu", "fp32").value(), networks),
                   std::size_t{1} << 30, {});
  Session running(backend::create_device("cpu", "fp32").value(), std::size_t{1} << 30, {});
  for (Session* session : {&planning, &running}) {
    const auto shared = std::make_shared<backend::ParameterStore>();
    for (const char* key : {"one", "two"}) {
      auto program = session->program(key, weights, [&] { return sums(*weights); });
      ASSERT_TRUE(program.ok()) << program.error().message();
      (*program)->bind_parameters(shared);
      ASSERT_TRUE(session->load(**program).ok());
      EXPECT_GE((*program)->plan().peak_bytes(), 4 * kWidth * sizeof(float));
      EXPECT_EQ(session->peak_held_bytes(), (*program)->plan().peak_bytes());
    }
  }
}

}  // namespace
}  // namespace obscura::runtime
