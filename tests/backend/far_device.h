// A stand-in for a device that keeps everything to itself: it has the CPU's kernels, its memory is
// reached by copies alone, in pieces, and its weights are prefetched and share allocations.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/lowered.h"
#include "backend/holdings.h"
#include "backend/lowered.h"
#include "backend/runner.h"

namespace obscura::test {

using backend::Device;
using backend::DeviceDescription;
using backend::Executable;
using backend::Holdings;
using backend::Lowered;
using backend::MemoryPtr;
using backend::Runner;
using backend::WeightFeed;
using backend::WeightReader;
namespace cpu = backend::cpu;

// Of a matrix of 64x64: kernels pad smaller ones up to that.
inline constexpr std::size_t kPiece = 64 * 64 * sizeof(float);

struct Traffic {
  std::map<Lowered::Way, int> copies;
  int fetches = 0, waits = 0;
};

class FarLowered final : public Lowered {
 public:
  FarLowered(std::unique_ptr<Lowered> cpu, std::size_t piece_bytes, Traffic& traffic)
      : cpu_(std::move(cpu)), piece_bytes_(piece_bytes), traffic_(traffic) {}

  const std::vector<plan::NodeNeeds>& needs() const override { return cpu_->needs(); }
  plan::Layout layout() const override {
    return {.holds_inputs_and_outputs = true,
            .prefetches = true,
            .keeps_steady = true,
            .piece_bytes = piece_bytes_,
            .weight_piece_bytes = piece_bytes_};
  }
  bool computes_at_once() const override { return false; }
  Status open() override { return cpu_->open(); }
  void close() override { cpu_->close(); }
  Status begin() override { return cpu_->begin(); }
  Status wait() override {
    ++traffic_.waits;
    return cpu_->wait();
  }
  Result<MemoryPtr> allocate_host(std::size_t bytes) override { return cpu_->allocate_host(bytes); }
  std::unique_ptr<WeightFeed> feed(WeightReader& reader) override { return cpu_->feed(reader); }
  Status prepare(std::size_t node, std::size_t operand, const std::byte* plain,
                 std::byte* prepared) override {
    EXPECT_NE(plain, prepared);
    return cpu_->prepare(node, operand, plain, prepared);
  }
  Status copy(std::byte* target, const std::byte* source, std::size_t bytes, Way way) override {
    ++traffic_.copies[way];
    return cpu_->copy(target, source, bytes, way);
  }
  Status run(std::size_t node, const Call& call) override { return cpu_->run(node, call); }
  Status fetch(std::size_t, std::size_t, std::span<const Fetch> weights) override {
    for (const Fetch& weight : weights) {
      ++traffic_.fetches;
      std::memcpy(weight.target, weight.source, weight.bytes);
    }
    return {};
  }
  Status await(std::size_t) override { return {}; }
  Status replay(Stretch stretch, const std::function<Status()>& put) override {
    return cpu_->replay(stretch, put);
  }
  void forget_replays() override {}
  Status look_for_non_finite(const ir::ValueType& type, const std::byte* data) override {
    return cpu_->look_for_non_finite(type, data);
  }
  Result<bool> all_finite() override { return cpu_->all_finite(); }
  Result<double> time(const std::function<Status()>& before,
                      const std::function<Status()>& put) override {
    return cpu_->time(before, put);
  }

 private:
  std::unique_ptr<Lowered> cpu_;
  std::size_t piece_bytes_;
  Traffic& traffic_;
};

inline std::unique_ptr<Executable> far_executable(const ir::Graph& graph, std::size_t piece_bytes,
                                                  Traffic& traffic,
                                                  std::shared_ptr<Holdings> holdings) {
  ir::Graph rewritten = backend::create_device("cpu", "fp32").value()->rewrite(graph).value();
  auto lowered = cpu::lower(rewritten).value();
  return std::make_unique<Runner>(
      std::move(rewritten), std::move(holdings),
      std::make_unique<FarLowered>(std::move(lowered), piece_bytes, traffic));
}

class FarDevice final : public Device {
 public:
  explicit FarDevice(Traffic& traffic) : traffic_(traffic) {}

  DeviceDescription describe() const override { return near_->describe(); }
  Result<ir::Graph> rewrite(ir::Graph graph) override { return near_->rewrite(std::move(graph)); }
  Result<std::unique_ptr<Executable>> lower(ir::Graph graph) override {
    return far_executable(graph, 0, traffic_, holdings_);
  }
  Result<MemoryPtr> allocate(std::size_t bytes) override { return cpu::allocate(bytes); }
  std::size_t arena_bytes() const override { return holdings_->arena_bytes(); }
  std::size_t weight_bytes() const override { return holdings_->weight_bytes(); }
  void release_arena() override { holdings_->release_arena(); }

 private:
  Traffic& traffic_;
  std::unique_ptr<Device> near_ = backend::create_device("cpu", "fp32").value();
  std::shared_ptr<Holdings> holdings_ = std::make_shared<Holdings>(cpu::allocate);
};

}  // namespace obscura::test
