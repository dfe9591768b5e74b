// Memory of a device, or of the host where the device's copies reach it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace obscura::backend {

// One allocation, freed with the last who holds it.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual std::byte* data() const = 0;
  virtual std::size_t bytes() const = 0;
};

using MemoryPtr = std::shared_ptr<Memory>;

// A device's own kind of memory, which has data() and bytes() and moves.
template <class Owner>
class OwnedMemory final : public Memory {
 public:
  explicit OwnedMemory(Owner owner) : owner_(std::move(owner)) {}
  std::byte* data() const override { return owner_.data(); }
  std::size_t bytes() const override { return owner_.bytes(); }

 private:
  Owner owner_;
};

}  // namespace obscura::backend
