// A CUDA device behind the door: what it is, and how it takes a graph.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "backend/backend.h"
#include "backend/cuda/context.h"
#include "backend/cuda/kernels/probe.h"
#include "backend/cuda/libraries.h"
#include "backend/cuda/lowered.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/status.h"
#include "backend/holdings.h"
#include "backend/runner.h"
#include "ir/cast.h"
#include "ir/pass.h"

namespace obscura::backend::cuda {
namespace {

// Raise when a kernel of ours changes its bits.
constexpr const char* kKernelSet = "cuda-2";
// The vendor's own libraries come before what runs on any GPU.
constexpr int kRank = 200;
// What the driver and the libraries take for themselves once kernels run.
constexpr std::size_t kLibraryBytes = 640u << 20;

// The devices that the program has code for, as CUDA numbers them.
std::vector<int> usable_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) count = 0;
  cudaGetLastError();  // no driver is no error
  std::vector<int> usable;
  for (int i = 0; i < count; ++i) {
    if (has_code_for_device(i)) usable.push_back(i);
  }
  return usable;
}

// What the chip can do at most in fp16 with sums in float32, times what PyTorch's compiled U-Net of
// SDXL reaches of it on an H100 (35.6 ms for 13.52 TFLOP).
double estimated_flops(int ordinal, const cudaDeviceProp& properties) {
  constexpr double kReached = 0.36;
  const int architecture = properties.major * 10 + properties.minor;
  // Of a multiprocessor in a clock, by NVIDIA's architecture papers.
  double per_clock = 1024;  // Turing; Ampere, Ada and Blackwell for desktops
  if (architecture == 80) per_clock = 2048;
  if (architecture == 90) per_clock = 4096;
  if (architecture == 100 || architecture == 103) per_clock = 8192;
  int kilohertz = 0;
  if (cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, ordinal) != cudaSuccess) return 0;
  return kReached * per_clock * properties.multiProcessorCount * kilohertz * 1e3;
}

// bfloat16 products came with Ampere.
bool has_bfloat16(const cudaDeviceProp& properties) {
  return properties.major >= 8;
}

DeviceDescription describe_device(int ordinal) {
  DeviceDescription description;
  cudaDeviceProp properties{};
  cudaGetDeviceProperties(&properties, ordinal);
  int driver = 0;
  cudaDriverGetVersion(&driver);
  description.name = fmt::format("cuda:{}", ordinal);
  description.kind = DeviceKind::kGpu;
  description.rank = kRank;
  description.hardware =
      fmt::format("{}, {:.1f} GiB, {} multiprocessors, compute capability {}.{}", properties.name,
                  static_cast<double>(properties.totalGlobalMem) / (1 << 30),
                  properties.multiProcessorCount, properties.major, properties.minor);
  const Result<Libraries>& opened = libraries();
  description.libraries =
      fmt::format("{}, CUDA driver {}.{}", opened.ok() ? opened->text() : opened.error().message(),
                  driver / 1000, driver % 1000 / 10);
  description.kernel_set = kKernelSet;
  description.precisions = {"fp16", "fp32"};
  if (has_bfloat16(properties)) description.precisions.push_back("bf16");
  if (opened.ok() && scales_rows(properties, *opened)) description.precisions.push_back("fp8");
  description.estimated_flops = estimated_flops(ordinal, properties);
  int previous = 0;
  cudaGetDevice(&previous);
  cudaSetDevice(ordinal);
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  cudaSetDevice(previous);
  description.total_bytes = total;
  // Other programs' memory is not free, and stays theirs.
  description.available_bytes = free > kLibraryBytes ? free - kLibraryBytes : 0;
  return description;
}

std::vector<DeviceDescription> probe() {
  std::vector<DeviceDescription> found;
  for (int ordinal : usable_devices()) {
    if (libraries().ok()) found.push_back(describe_device(ordinal));
  }
  return found;
}

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

// What keeps the runtime from seeing any GPU.
std::vector<Trouble> no_devices(cudaError_t error, bool driver_loaded) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (error == cudaErrorInsufficientDriver && driver > 0) {
    return {{fmt::format("the NVIDIA driver knows CUDA {}, this program was built with CUDA {}",
                         version_text(driver), version_text(CUDART_VERSION)),
             "install a newer driver; `nvidia-smi` shows the CUDA version that it knows"}};
  }
  if (!driver_loaded) return {};
  if (driver == 0) {
    return {{"an NVIDIA driver is loaded, but its library libcuda.so.1 cannot be opened",
             "install the package of the driver that has it; in a container, start it with the "
             "GPUs (docker run --gpus all)"}};
  }
  return {{fmt::format("an NVIDIA driver is loaded, but it offers no GPU: {}",
                       cudaGetErrorString(error)),
           "look at `nvidia-smi` and at the environment variable CUDA_VISIBLE_DEVICES"}};
}

std::vector<Trouble> diagnose() {
  std::error_code unused;
  bool driver_loaded = std::filesystem::exists("/proc/driver/nvidia/version", unused);
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (error != cudaSuccess || count == 0) return no_devices(error, driver_loaded);
  std::vector<Trouble> troubles;
  for (int i = 0; i < count; ++i) {
    if (has_code_for_device(i)) continue;
    cudaDeviceProp properties{};
    cudaGetDeviceProperties(&properties, i);
    troubles.push_back(
        {fmt::format("{}: this build has no code for compute capability {}.{}", properties.name,
                     properties.major, properties.minor),
         properties.major * 10 + properties.minor < 75
             ? "the oldest GPUs that Obscura runs on are Turing's, of compute capability 7.5"
             : "build on this machine, or with `cmake --preset cuda-all`"});
  }
  if (!libraries().ok())
    troubles.push_back({libraries().error().message(), "then run `obscura doctor` again"});
  return troubles;
}

// Linears of float16; those that fp8 does not suit (backend/cuda/linear.cpp) stay what they are.
// REQUIRES: scales_rows().
void multiply_in_fp8(ir::Graph& graph) {
  for (ir::Node& node : graph.nodes)
    if (node.op->name() == "linear") node.products = ir::Products::kFp8;
}

class CudaDevice final : public Device, public KernelChooser {
 public:
  CudaDevice(std::shared_ptr<Context> context, std::string precision)
      : context_(std::move(context)),
        holdings_(std::make_shared<Holdings>(cuda::allocate)),
        precision_(std::move(precision)) {}

  DeviceDescription describe() const override {
    DeviceDescription description = describe_device(context_->ordinal);
    std::string digest = context_->choices.digest();
    if (!digest.empty()) description.kernel_set += " choices " + digest;
    return description;
  }

  Result<ir::Graph> rewrite(ir::Graph graph) override {
    OBSCURA_TRY(ir::run_passes(graph, {"merge_projections", "fold_upsample", "fold_group_norm",
                                       "fuse_epilogues", "hoist_steady"}));
    return graph;
  }

  Result<std::unique_ptr<Executable>> lower(ir::Graph graph) override {
    // A normalisation of its own costs one launch less than statistics and a convolution that
    // applies them; only strips need those apart, and their graphs come with them.
    OBSCURA_TRY(ir::run_passes(
        graph, {"merge_projections", "fold_upsample", "fuse_epilogues", "hoist_steady"}));
    ir::Graph rewritten = std::move(graph);
    if (DType dtype = dtype_for(rewritten); dtype != DType::kF32) {
      rewritten = ir::with_precision(rewritten, dtype);
      OBSCURA_TRY(rewritten.validate());
    }
    if (precision_ == "fp8") multiply_in_fp8(rewritten);
    OBSCURA_ASSIGN(auto lowered, cuda::lower(rewritten, context_));
    return std::unique_ptr<Executable>(
        std::make_unique<Runner>(std::move(rewritten), holdings_, std::move(lowered)));
  }

  Result<MemoryPtr> allocate(std::size_t bytes) override {
    OBSCURA_TRY(check(cudaSetDevice(context_->ordinal), "choosing the device"));
    return cuda::allocate(bytes);
  }
  std::size_t arena_bytes() const override { return holdings_->arena_bytes(); }
  std::size_t weight_bytes() const override { return holdings_->weight_bytes(); }
  void release_arena() override { holdings_->release_arena(); }

  KernelChooser* chooser() override { return this; }
  void tune(bool on) override { context_->tuning = on; }
  std::string choices() const override { return context_->choices.text(); }

 private:
  DType dtype_for(const ir::Graph& graph) const {
    if (precision_ == "fp32") return DType::kF32;
    if (precision_ != "bf16" && !graph.wide_range) return DType::kF16;
    return has_bfloat16(context_->properties) ? DType::kBF16 : DType::kF32;
  }

  std::shared_ptr<Context> context_;
  std::shared_ptr<Holdings> holdings_;
  std::string precision_;
};

const bool kRegistered = [] {
  register_backend(
      {.name = "cuda",
       .probe = probe,
       .diagnose = diagnose,
       .create = [](int index, const std::string& precision) -> Result<std::unique_ptr<Device>> {
         int ordinal = usable_devices()[static_cast<std::size_t>(index)];
         OBSCURA_ASSIGN(std::shared_ptr<Context> context, Context::create(ordinal));
         return std::unique_ptr<Device>(
             std::make_unique<CudaDevice>(std::move(context), precision));
       }});
  return true;
}();

}  // namespace
}  // namespace obscura::backend::cuda
