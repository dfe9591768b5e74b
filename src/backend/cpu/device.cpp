// The CPU behind the door: what it is, and how it takes a graph.
#include <unistd.h>

#include <fmt/format.h>

#include <fstream>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/lowered.h"
#include "backend/cpu/onednn.h"
#include "backend/cpu/precision.h"
#include "backend/holdings.h"
#include "backend/runner.h"
#include "base/parallel.h"
#include "ir/pass.h"

namespace obscura::backend::cpu {
namespace {

// Raise when a kernel of ours changes its bits.
constexpr const char* kKernelSet = "cpu-1";

// The rest of the first line of /proc/`file` that begins with `key` and a colon.
std::string proc_line(const char* file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind(key, 0) != 0) continue;
    std::size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::size_t memory_bytes(const char* key) {
  std::string kib = proc_line("/proc/meminfo", key);
  return kib.empty() ? 0 : std::stoull(kib) * 1024;
}

const char* instruction_set() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
#endif
  return "baseline instructions";
}

DeviceDescription describe_cpu() {
  DeviceDescription description;
  description.name = "cpu";
  description.kind = DeviceKind::kCpu;
  description.hardware = fmt::format("{}, {} threads, {}", proc_line("/proc/cpuinfo", "model name"),
                                     thread_count(), instruction_set());
  description.libraries = onednn_version();
  description.kernel_set = kKernelSet;
  description.precisions = available_precisions();
  description.total_bytes = memory_bytes("MemTotal");
  // A tenth stays for the page cache, which holds the model files, and for everything else.
  description.available_bytes = memory_bytes("MemAvailable") / 10 * 9;
  return description;
}

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(std::string precision) : precision_(std::move(precision)) {}

  DeviceDescription describe() const override { return describe_cpu(); }

  Result<ir::Graph> rewrite(ir::Graph graph) override {
    OBSCURA_TRY(ir::run_passes(graph, {"merge_projections", "fold_upsample", "fold_group_norm",
                                       "fuse_epilogues", "hoist_steady"}));
    return graph;
  }

  Result<std::unique_ptr<Executable>> lower(ir::Graph graph) override {
    OBSCURA_ASSIGN(ir::Graph rewritten, rewrite(std::move(graph)));
    round_products(rewritten, precision_);
    OBSCURA_ASSIGN(auto lowered, cpu::lower(rewritten));
    return std::unique_ptr<Executable>(
        std::make_unique<Runner>(std::move(rewritten), holdings_, std::move(lowered)));
  }

  Result<MemoryPtr> allocate(std::size_t bytes) override { return cpu::allocate(bytes); }
  std::size_t arena_bytes() const override { return holdings_->arena_bytes(); }
  std::size_t weight_bytes() const override { return holdings_->weight_bytes(); }
  void release_arena() override { holdings_->release_arena(); }

 private:
  std::string precision_;
  std::shared_ptr<Holdings> holdings_ = std::make_shared<Holdings>(cpu::allocate);
};

const bool kRegistered = [] {
  register_backend(
      {.name = "cpu",
       .probe = [] { return std::vector<DeviceDescription>{describe_cpu()}; },
       .create = [](int, const std::string& precision) -> Result<std::unique_ptr<Device>> {
         return std::unique_ptr<Device>(std::make_unique<CpuDevice>(precision));
       }});
  return true;
}();

}  // namespace
}  // namespace obscura::backend::cpu
