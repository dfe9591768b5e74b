// Weights on their way to the device.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>

#include "backend/backend.h"
#include "backend/cuda/context.h"
#include "backend/cuda/memory.h"
#include "backend/lowered.h"
#include "base/result.h"

namespace obscura::backend::cuda {

// Brings weights from their file to the device: raw bytes through two page-locked buffers, so that
// one is filled by all threads while the other is on the bus, and conversion on the device.
class WeightUpload final : public WeightFeed {
 public:
  WeightUpload(Context& context, WeightReader& reader) : context_(context), reader_(reader) {}
  ~WeightUpload() override;

  Status read(const ir::Value& value, std::byte* target, std::byte* scratch) override;
  // Device memory for elements in the type in which they are stored.
  std::size_t scratch_bytes(const ir::Value& value) override;

 private:
  struct Buffer {
    PinnedMemory memory;
    cudaEvent_t sent = nullptr;
  };

  Status send(std::span<const std::byte> bytes, std::byte* target);

  Context& context_;
  WeightReader& reader_;
  Buffer buffers_[2];
  int next_ = 0;
};

}  // namespace obscura::backend::cuda
