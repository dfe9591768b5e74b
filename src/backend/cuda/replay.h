// Work that is the same each time, as a CUDA graph from its second run on.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <string>

#include "backend/cuda/context.h"
#include "base/result.h"

namespace obscura::backend::cuda {

class Replay {
 public:
  Replay() = default;
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  ~Replay() { forget(); }

  // What `put` puts on the context's streams, joined on `compute` at its end; recorded, it is put
  // without a call. What cannot be recorded is put each time. `name` is for the log.
  Status run(Context& context, const std::string& name, const std::function<Status()>& put);
  void forget();

 private:
  Status record(Context& context, const std::function<Status()>& put);

  cudaGraphExec_t graph_ = nullptr;
  int runs_ = 0;  // without a graph
};

}  // namespace obscura::backend::cuda
