#include "backend/cuda/timing.h"

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <vector>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/quantise.h"
#include "backend/cuda/status.h"

namespace obscura::backend::cuda {

Result<DeviceMemory> random_memory(Context& context, std::size_t bytes, DType dtype) {
  OBSCURA_ASSIGN(DeviceMemory memory, DeviceMemory::allocate(bytes));
  std::size_t count = bytes / size_of(dtype);
  std::vector<float> values(std::min<std::size_t>(count, 1 << 20));
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.5f);
  for (float& value : values) value = normal(random);
  OBSCURA_ASSIGN(DeviceMemory plain, DeviceMemory::allocate(values.size() * sizeof(float)));
  OBSCURA_TRY(check(cudaMemcpyAsync(plain.data(), values.data(), values.size() * sizeof(float),
                                    cudaMemcpyHostToDevice, context.compute),
                    "sending random numbers"));
  OBSCURA_ASSIGN(DeviceMemory scale, DeviceMemory::allocate(sizeof(float)));
  for (std::size_t begin = 0; begin < count; begin += values.size()) {
    std::byte* target = memory.data() + begin * size_of(dtype);
    auto some = static_cast<std::int64_t>(std::min(values.size(), count - begin));
    OBSCURA_TRY(
        check(dtype == DType::kF8E4M3
                  ? quantise_rows(Element::kF32, plain.data(), target,
                                  reinterpret_cast<float*>(scale.data()), 1, some, context.compute)
                  : convert(DType::kF32, plain.data(), dtype, target, some, context.compute),
              "rounding random numbers"));
  }
  OBSCURA_TRY(check(cudaStreamSynchronize(context.compute), "random numbers"));
  return memory;
}

Result<Stopwatch> Stopwatch::create(cudaStream_t stream) {
  Stopwatch watch(stream);
  OBSCURA_TRY(check(cudaEventCreate(&watch.begin_), "making an event"));
  OBSCURA_TRY(check(cudaEventCreate(&watch.end_), "making an event"));
  return watch;
}

Stopwatch::~Stopwatch() {
  for (cudaEvent_t event : {begin_, end_}) {
    if (event != nullptr) cudaEventDestroy(event);
  }
}

Status Stopwatch::start() const {
  return check(cudaEventRecord(begin_, stream_), "timing");
}

Result<float> Stopwatch::stop() const {
  float milliseconds = 0;
  OBSCURA_TRY(check(cudaEventRecord(end_, stream_), "timing"));
  OBSCURA_TRY(check(cudaEventSynchronize(end_), "timing"));
  OBSCURA_TRY(check(cudaEventElapsedTime(&milliseconds, begin_, end_), "timing"));
  return milliseconds;
}

float time_on_device(Context& context, const std::function<Status()>& run) {
  constexpr float kNever = std::numeric_limits<float>::infinity();
  Result<Stopwatch> watch = Stopwatch::create(context.compute);
  if (!watch.ok() || !run().ok() || !run().ok()) return kNever;
  std::array<float, 5> times{};
  for (float& time : times) {
    if (!watch->start().ok()) return kNever;
    // Long enough that the gap between launches does not count.
    for (int i = 0; i < 4; ++i) {
      if (!run().ok()) return kNever;
    }
    Result<float> milliseconds = watch->stop();
    if (!milliseconds.ok()) return kNever;
    time = *milliseconds;
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace obscura::backend::cuda
