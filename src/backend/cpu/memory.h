// Memory straight from the system: zero pages until touched, back to the system when freed, so that
// the process's size is what the plan says.
#pragma once

#include <cstddef>
#include <utility>

#include "base/result.h"

namespace obscura::backend::cpu {

class Pages {
 public:
  Pages() = default;
  // kOutOfMemory if the system refuses.
  static Result<Pages> allocate(std::size_t bytes);
  Pages(Pages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace obscura::backend::cpu
