#include "backend/cpu/memory.h"

#include <sys/mman.h>

#include <string>

namespace obscura::backend::cpu {

Result<Memory> Memory::allocate(std::size_t bytes) {
  Memory memory;
  if (bytes == 0) return memory;
  void* address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    return Error(ErrorKind::kOutOfMemory,
                 "the system has no " + std::to_string(bytes) + " bytes left");
  }
  memory.data_ = static_cast<std::byte*>(address);
  memory.bytes_ = bytes;
  return memory;
}

Memory::~Memory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace obscura::backend::cpu
