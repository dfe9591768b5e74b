// Measuring a library's algorithms against one another.
#pragma once

#include <functional>
#include <utility>

#include "backend/cuda/context.h"
#include "backend/cuda/memory.h"
#include "base/result.h"
#include "tensor/dtype.h"

namespace obscura::backend::cuda {

// Memory full of small random numbers: on zeros, kernels can run faster than on real data.
Result<DeviceMemory> random_memory(Context& context, std::size_t bytes, DType dtype);

// The device's own time between two places on a stream.
class Stopwatch {
 public:
  static Result<Stopwatch> create(cudaStream_t stream);
  Stopwatch(Stopwatch&& other) noexcept
      : stream_(other.stream_),
        begin_(std::exchange(other.begin_, nullptr)),
        end_(std::exchange(other.end_, nullptr)) {}
  Stopwatch& operator=(Stopwatch&&) = delete;
  ~Stopwatch();

  Status start() const;
  // Waits; milliseconds since start().
  Result<float> stop() const;

 private:
  explicit Stopwatch(cudaStream_t stream) : stream_(stream) {}
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

// The median of several runs on the context's compute stream, in milliseconds; infinite if one
// fails.
float time_on_device(Context& context, const std::function<Status()>& run);

}  // namespace obscura::backend::cuda
