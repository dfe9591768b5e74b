// Weights on the device: prepared once, shared by all Executables that read them in the same form;
// and those that wait in page-locked host memory to be streamed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/context.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/memory.h"

namespace obscura::backend::cuda {

// A prepared weight, on the device or in page-locked memory. Weights that were loaded together lie
// in one slab, which is freed when the last of them is let go: the device gives memory out in
// pieces of megabytes, and most weights are smaller.
struct PreparedWeight {
  std::shared_ptr<void> slab;
  std::byte* data = nullptr;
};

// What the Executables of a device have in common. One thread at a time.
class SharedMemory {
 public:
  explicit SharedMemory(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  Context& context() { return *context_; }

  // At least `bytes`, with unspecified content; invalidates what was given before.
  Result<std::byte*> arena(std::size_t bytes);
  void release_arena();
  std::size_t arena_bytes() const { return arena_.bytes(); }
  // Changes whenever the arena moves.
  int arena_generation() const { return generation_; }
  // Whose intermediate results the arena holds: the last Executable that ran, or nullptr.
  const void* arena_user = nullptr;

  // A weight that some Executable holds, or nullptr.
  std::shared_ptr<PreparedWeight> find(const std::string& key) const;
  void remember(const std::string& key, const std::shared_ptr<PreparedWeight>& weight) {
    weights_[key] = weight;
  }
  // A slab whose bytes weight_bytes() counts for as long as it lives.
  Result<std::shared_ptr<DeviceMemory>> allocate_slab(std::size_t bytes);
  std::size_t weight_bytes() const;

 private:
  std::shared_ptr<Context> context_;
  DeviceMemory arena_;
  int generation_ = 0;
  std::map<std::string, std::weak_ptr<PreparedWeight>> weights_;
  std::vector<std::weak_ptr<DeviceMemory>> slabs_;
};

// Brings weights from their file to the device: raw bytes through two page-locked buffers, so that
// one is filled by all threads while the other is on the bus, and conversion on the device.
class WeightUpload {
 public:
  WeightUpload(Context& context, WeightReader& reader) : context_(context), reader_(reader) {}
  ~WeightUpload();

  // Writes `value`'s elements in its type to `target` (device memory). `scratch` holds at least
  // scratch_bytes(value).
  Status read(const ir::Value& value, std::byte* target, std::byte* scratch);
  // Device memory for elements in the type in which they are stored.
  std::size_t scratch_bytes(const ir::Value& value);

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
