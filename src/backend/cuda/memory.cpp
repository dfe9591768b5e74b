#include "backend/cuda/memory.h"

#include <fmt/format.h>

#include "backend/cuda/status.h"
#include "base/memory_text.h"

namespace obscura::backend::cuda {

Result<DeviceMemory> DeviceMemory::allocate(std::size_t bytes) {
  DeviceMemory memory;
  if (bytes == 0) return memory;
  void* data = nullptr;
  OBSCURA_TRY(check(cudaMalloc(&data, bytes),
                    fmt::format("allocating {} on the device", memory_text(bytes))));
  memory.data_ = static_cast<std::byte*>(data);
  memory.bytes_ = bytes;
  return memory;
}

DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) cudaFree(data_);
}

Result<PinnedMemory> PinnedMemory::allocate(std::size_t bytes) {
  PinnedMemory memory;
  if (bytes == 0) return memory;
  void* data = nullptr;
  // No smaller plan helps: what does not stay on the device waits in memory like this.
  if (Status status = check(cudaHostAlloc(&data, bytes, cudaHostAllocDefault),
                            fmt::format("locking {} of host memory", memory_text(bytes)));
      !status.ok())
    return Error(ErrorKind::kIo, status.error().message());
  memory.data_ = static_cast<std::byte*>(data);
  memory.bytes_ = bytes;
  return memory;
}

PinnedMemory::~PinnedMemory() {
  if (data_ != nullptr) cudaFreeHost(data_);
}

}  // namespace obscura::backend::cuda
