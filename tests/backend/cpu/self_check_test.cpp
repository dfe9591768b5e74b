#include "backend/self_check.h"

#include <gtest/gtest.h>

namespace obscura::backend {
namespace {

// The CPU, but in its run `bad_run` one number of the output `stage` is wrong by `error`.
struct Fault {
  std::string stage;
  int bad_run = 0;
  float error = 0;
};

class FaultyExecutable final : public Executable {
 public:
  FaultyExecutable(std::unique_ptr<Executable> real, Fault fault)
      : real_(std::move(real)), fault_(std::move(fault)) {}

  const ir::Graph& graph() const override { return real_->graph(); }
  const std::vector<plan::NodeNeeds>& needs() const override { return real_->needs(); }
  Status load(plan::Plan plan, WeightReader& weights) override {
    return real_->load(std::move(plan), weights);
  }
  void unload() override { real_->unload(); }
  bool loaded() const override { return real_->loaded(); }
  std::size_t missing_bytes(const plan::Plan& plan, const WeightReader& weights) const override {
    return real_->missing_bytes(plan, weights);
  }
  void keep_weights(const plan::Plan& plan, const WeightReader& weights) override {
    real_->keep_weights(plan, weights);
  }
  void visit_held(const HeldVisitor& visit) const override { real_->visit_held(visit); }
  void bind_parameters(std::shared_ptr<ParameterStore> store) override {
    real_->bind_parameters(std::move(store));
  }
  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) override {
    return real_->write_parameter(name, bytes);
  }
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) override {
    return real_->read_parameter(name, bytes);
  }
  Status run(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs,
             const CancelToken& cancel) override {
    OBSCURA_TRY(real_->run(inputs, outputs, cancel));
    for (const OutputBinding& output : outputs) {
      if (output.name == fault_.stage && runs_ == fault_.bad_run)
        reinterpret_cast<float*>(output.bytes.data())[5] += fault_.error;
    }
    ++runs_;
    return {};
  }
  Result<std::vector<double>> profile(std::span<const InputBinding> inputs,
                                      std::span<const OutputBinding> outputs) override {
    return real_->profile(inputs, outputs);
  }

 private:
  std::unique_ptr<Executable> real_;
  Fault fault_;
  int runs_ = 0;
};

class FaultyDevice final : public Device {
 public:
  explicit FaultyDevice(Fault fault) : fault_(std::move(fault)) {}

  DeviceDescription describe() const override { return real_->describe(); }
  Result<ir::Graph> rewrite(ir::Graph graph) override { return real_->rewrite(std::move(graph)); }
  Result<std::unique_ptr<Executable>> lower(ir::Graph graph) override {
    OBSCURA_ASSIGN(auto executable, real_->lower(std::move(graph)));
    return std::unique_ptr<Executable>(
        std::make_unique<FaultyExecutable>(std::move(executable), fault_));
  }
  Result<MemoryPtr> allocate(std::size_t bytes) override { return real_->allocate(bytes); }
  std::size_t arena_bytes() const override { return real_->arena_bytes(); }
  std::size_t weight_bytes() const override { return real_->weight_bytes(); }
  void release_arena() override { real_->release_arena(); }

 private:
  std::unique_ptr<Device> real_ = create_device("cpu", "fp32").value();
  Fault fault_;
};

TEST(SelfCheck, TheCpuPassesInEveryPrecision) {
  auto device = create_device("cpu").value();
  for (const std::string& precision : device->describe().precisions) {
    Status status = self_check(*create_device("cpu", precision).value());
    EXPECT_TRUE(status.ok()) << precision << ": " << status.error().message();
  }
}

TEST(SelfCheck, NamesTheFirstStageThatIsWrong) {
  FaultyDevice device({.stage = "attention", .error = 100});
  Status status = self_check(device);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("attention of run 1"), std::string::npos)
      << status.error().message();
}

TEST(SelfCheck, SeesThatALaterRunDiffersByOneBit) {
  FaultyDevice device({.stage = "convolution", .bad_run = 2, .error = 1e-5f});
  Status status = self_check(device);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("convolution gives other bits in run 3"),
            std::string::npos)
      << status.error().message();
}

TEST(SelfCheck, AutoLeavesAGpuAloneThatFails) {
  DeviceDescription description;
  description.name = "broken:0";
  description.kind = DeviceKind::kGpu;
  description.rank = 1000;
  description.precisions = {"fp32"};
  register_backend({.name = "broken",
                    .probe = [=] { return std::vector{description}; },
                    .create = [](int, const std::string&) -> Result<std::unique_ptr<Device>> {
                      return std::unique_ptr<Device>(
                          std::make_unique<FaultyDevice>(Fault{.stage = "linear", .error = 100}));
                    }});
  auto asked = create_device("broken");
  EXPECT_TRUE(asked.ok());
  auto automatic = create_device("auto");
  ASSERT_TRUE(automatic.ok());
  EXPECT_EQ((*automatic)->describe().name, "cpu");
  EXPECT_EQ(dynamic_cast<FaultyDevice*>(automatic->get()), nullptr);
}

}  // namespace
}  // namespace obscura::backend
