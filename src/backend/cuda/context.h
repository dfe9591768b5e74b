// One device made ready: its streams, library handles and limits. Kernels borrow it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "backend/cuda/choices.h"
#include "backend/cuda/libraries.h"
#include "backend/kernel_table.h"
#include "base/result.h"

namespace obscura::backend::cuda {

class Kernel;

class Context {
 public:
  // `ordinal` as CUDA counts devices. kNotFound if a library is missing.
  static Result<std::shared_ptr<Context>> create(int ordinal);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  int ordinal = 0;
  cudaDeviceProp properties{};
  Libraries libraries{};
  cublasLtHandle_t blas = nullptr;
  cudnnHandle_t dnn = nullptr;  // bound to `compute`
  cudaStream_t compute = nullptr;
  cudaStream_t copy = nullptr;  // weights on their way in
  SharedKernels<Kernel> kernels;

  // 90 for an H100.
  int architecture() const { return properties.major * 10 + properties.minor; }

  // Which of `count` algorithms that a library offers for the work `key`: the one on record, else,
  // while `tuning`, the one that `time` (milliseconds) finds fastest, which goes on record; else
  // the library's first. What fixes the bits is never decided by a clock outside of tuning.
  std::size_t choose(const std::string& key, std::size_t count,
                     const std::function<float(std::size_t)>& time);
  // How many of at most `most` algorithms choose() will look at: the others need no preparation.
  std::size_t worth_preparing(const std::string& key, std::size_t most) const;
  Choices choices;
  bool tuning = false;

 private:
  Context() = default;
};

}  // namespace obscura::backend::cuda
