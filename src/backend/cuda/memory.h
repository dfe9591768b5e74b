// Memory of the device, and host memory that the device can read by itself.
#pragma once

#include <cstddef>
#include <utility>

#include "base/result.h"

namespace obscura::backend::cuda {

// Memory of the current device, unspecified content. Moves, does not copy.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  // kOutOfMemory if the device has not that much left.
  static Result<DeviceMemory> allocate(std::size_t bytes);
  DeviceMemory(DeviceMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceMemory();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// Page-locked host memory: copies from it run beside kernels, at the full speed of the bus.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  // kIo if the system will not lock that much.
  static Result<PinnedMemory> allocate(std::size_t bytes);
  PinnedMemory(PinnedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PinnedMemory& operator=(PinnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PinnedMemory();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace obscura::backend::cuda
