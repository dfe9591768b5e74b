// The device's memory and page-locked memory of the emulated runtime.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace obscura::test::emulation {

// nullptr if the device has not that much left.
void* allocate_device(std::size_t bytes);
void free_device(void* data);
void* allocate_pinned(std::size_t bytes);
void free_pinned(void* data);

bool on_device(const void* data);
bool is_pinned(const void* data);
// Ends the program if the bytes are not all in one allocation of the device.
void expect_on_device(const void* data, std::size_t bytes, const char* what);
// Ends the program if two pieces of memory have bytes in common.
void expect_apart(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes,
                  const char* what);

// While one lives, the device's memory can be read and written: what runs on a stream holds one.
class DeviceIsOpen {
 public:
  DeviceIsOpen();
  DeviceIsOpen(const DeviceIsOpen&) = delete;
  DeviceIsOpen& operator=(const DeviceIsOpen&) = delete;
  ~DeviceIsOpen();
};

// All that the device holds, as it was when take() was last called.
class DeviceContent {
 public:
  void take();
  void restore() const;
  // Where it first differs from what the device holds now: "byte 8 of an allocation of 64"; empty
  // if nowhere.
  std::string difference() const;

 private:
  std::vector<std::byte> bytes_;
};

// Ends the program if something was written behind an allocation.
void check_guards();

}  // namespace obscura::test::emulation
