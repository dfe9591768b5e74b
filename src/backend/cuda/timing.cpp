#include "backend/cuda/timing.h"

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <vector>

#include "backend/cuda/kernels/launch.h"

namespace obscura::backend::cuda {

Result<DeviceMemory> random_memory(Context& context, std::size_t bytes, DType dtype) {
  OBSCURA_ASSIGN(DeviceMemory memory, DeviceMemory::allocate(bytes));
  std::size_t count = bytes / size_of(dtype);
  std::vector<float> values(std::min<std::size_t>(count, 1 << 20));
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.5f);
  for (float& value : values) value = normal(random);
  OBSCURA_ASSIGN(DeviceMemory plain, DeviceMemory::allocate(values.size() * sizeof(float)));
  cudaMemcpyAsync(plain.data(), values.data(), values.size() * sizeof(float),
                  cudaMemcpyHostToDevice, context.compute);
  for (std::size_t begin = 0; begin < count; begin += values.size()) {
    convert(DType::kF32, plain.data(), dtype, memory.data() + begin * size_of(dtype),
            static_cast<std::int64_t>(std::min(values.size(), count - begin)), context.compute);
  }
  cudaStreamSynchronize(context.compute);
  return memory;
}

float time_on_device(Context& context, const std::function<Status()>& run) {
  constexpr float kNever = std::numeric_limits<float>::infinity();
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  std::array<float, 5> times{};
  bool failed = !run().ok() || !run().ok();
  for (float& time : times) {
    if (failed) break;
    cudaEventRecord(begin, context.compute);
    // Long enough that the gap between launches does not count.
    for (int i = 0; i < 4 && !failed; ++i) failed = !run().ok();
    cudaEventRecord(end, context.compute);
    failed = failed || cudaEventSynchronize(end) != cudaSuccess;
    cudaEventElapsedTime(&time, begin, end);
  }
  cudaGetLastError();
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  if (failed) return kNever;
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace obscura::backend::cuda
