#include "backend/cpu/memory.h"

#include <sys/mman.h>

#include "base/memory_text.h"

namespace obscura::backend::cpu {

Result<Pages> Pages::allocate(std::size_t bytes) {
  Pages pages;
  if (bytes == 0) return pages;
  void* address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    return Error(ErrorKind::kOutOfMemory, "the system has no " + memory_text(bytes) + " left");
  }
  pages.data_ = static_cast<std::byte*>(address);
  pages.bytes_ = bytes;
  return pages;
}

Pages::~Pages() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace obscura::backend::cpu
