#include "backend/cuda/emulation/memory.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>

#include "backend/cuda/emulation/runtime.h"

namespace obscura::test::emulation {
namespace {

constexpr int kPoison = 0xff;  // NaN as any floating type
constexpr std::byte kGuard{0xa5};
// Of an allocation of page-locked memory: the buffers that weights pass through are large.
constexpr std::size_t kPoisonedPinned = 1 << 16;

// By address: the bytes that were asked for. On the device they fill whole pages, the last with
// kGuard, between two pages that nobody may touch.
std::map<std::uintptr_t, std::size_t> device, pinned;
std::size_t device_bytes = std::size_t{1} << 30;
int until_refusal = -1;
int open_count = 0;

std::size_t page_bytes() {
  static const auto kBytes = static_cast<std::size_t>(::getpagesize());
  return kBytes;
}
std::size_t whole_pages(std::size_t bytes) {
  return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

void protect(int protection) {
  for (auto [address, bytes] : device)
    ::mprotect(reinterpret_cast<void*>(address), whole_pages(bytes), protection);
}

// The allocation that `data` lies in.
auto find(const std::map<std::uintptr_t, std::size_t>& allocations, const void* data) {
  auto address = reinterpret_cast<std::uintptr_t>(data);
  auto above = allocations.upper_bound(address);
  if (above == allocations.begin()) return allocations.end();
  auto found = std::prev(above);
  return address < found->first + std::max<std::size_t>(found->second, 1) ? found
                                                                          : allocations.end();
}

// An access to the pages around an allocation, to device memory from the host, or to no memory.
void report_access(int, siginfo_t* info, void*) {
  bool closed = find(device, info->si_addr) != device.end();
  die(fmt::format("it touches {}, {}", info->si_addr,
                  closed && open_count == 0 ? "memory of the device, from the host"
                                            : "which is in no memory that it may touch"));
}

// On a stack of its own: that of a thread may be what ran out.
const bool kReportsAccess = [] {
  static std::array<std::byte, 1 << 16> stack;
  stack_t alternative{};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = report_access;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
  return true;
}();

}  // namespace

void set_device_bytes(std::size_t bytes) {
  device_bytes = bytes;
}

std::size_t device_bytes_taken() {
  std::size_t taken = 0;
  for (auto [address, bytes] : device) taken += bytes;
  return taken;
}

std::size_t device_bytes_in_all() {
  return device_bytes;
}

void refuse_allocation(int others) {
  until_refusal = others;
}

void* allocate_device(std::size_t bytes) {
  if (until_refusal >= 0 && until_refusal-- == 0) return nullptr;
  if (device_bytes_taken() + bytes > device_bytes) return nullptr;
  std::size_t whole = whole_pages(bytes);
  void* memory =
      ::mmap(nullptr, whole + 2 * page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* data = static_cast<std::byte*>(memory) + page_bytes();
  ::mprotect(data, whole, PROT_READ | PROT_WRITE);
  std::memset(data, kPoison, bytes);
  std::fill(data + bytes, data + whole, kGuard);
  if (open_count == 0) ::mprotect(data, whole, PROT_NONE);
  device[reinterpret_cast<std::uintptr_t>(data)] = bytes;
  return data;
}

void free_device(void* data) {
  auto found = device.find(reinterpret_cast<std::uintptr_t>(data));
  if (found == device.end()) die("freeing what is no allocation of the device");
  ::munmap(static_cast<std::byte*>(data) - page_bytes(),
           whole_pages(found->second) + 2 * page_bytes());
  device.erase(found);
}

void* allocate_pinned(std::size_t bytes) {
  void* data = std::aligned_alloc(page_bytes(), whole_pages(bytes));
  if (data == nullptr) return nullptr;
  std::memset(data, kPoison, std::min(bytes, kPoisonedPinned));
  pinned[reinterpret_cast<std::uintptr_t>(data)] = bytes;
  return data;
}

void free_pinned(void* data) {
  if (pinned.erase(reinterpret_cast<std::uintptr_t>(data)) == 0)
    die("freeing what is no page-locked memory");
  std::free(data);
}

bool on_device(const void* data) {
  return find(device, data) != device.end();
}

bool is_pinned(const void* data) {
  return find(pinned, data) != pinned.end();
}

void expect_on_device(const void* data, std::size_t bytes, const char* what) {
  if (bytes == 0) return;
  auto found = find(device, data);
  if (found == device.end()) die(fmt::format("{}: not memory of the device", what));
  std::size_t offset = reinterpret_cast<std::uintptr_t>(data) - found->first;
  if (offset + bytes > found->second)
    die(fmt::format("{}: bytes {} to {} of an allocation of {}", what, offset, offset + bytes,
                    found->second));
}

void expect_apart(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes,
                  const char* what) {
  auto first = reinterpret_cast<std::uintptr_t>(a), second = reinterpret_cast<std::uintptr_t>(b);
  if (first < second + b_bytes && second < first + a_bytes)
    die(fmt::format("{}: its memory is that of the result", what));
}

DeviceIsOpen::DeviceIsOpen() {
  if (open_count++ == 0) protect(PROT_READ | PROT_WRITE);
}

DeviceIsOpen::~DeviceIsOpen() {
  if (--open_count == 0) protect(PROT_NONE);
}

void DeviceContent::take() {
  bytes_.resize(device_bytes_taken());
  std::byte* kept = bytes_.data();
  for (auto [address, bytes] : device) {
    std::memcpy(kept, reinterpret_cast<const void*>(address), bytes);
    kept += bytes;
  }
}

void DeviceContent::restore() const {
  const std::byte* kept = bytes_.data();
  for (auto [address, bytes] : device) {
    std::memcpy(reinterpret_cast<void*>(address), kept, bytes);
    kept += bytes;
  }
}

std::string DeviceContent::difference() const {
  const std::byte* kept = bytes_.data();
  for (auto [address, bytes] : device) {
    const auto* data = reinterpret_cast<const std::byte*>(address);
    if (std::memcmp(data, kept, bytes) != 0) {
      auto first = std::mismatch(data, data + bytes, kept).first - data;
      return fmt::format("byte {} of an allocation of {}", first, bytes);
    }
    kept += bytes;
  }
  return "";
}

void check_guards() {
  for (auto [address, bytes] : device) {
    const auto* begin = reinterpret_cast<const std::byte*>(address) + bytes;
    const auto* end = reinterpret_cast<const std::byte*>(address) + whole_pages(bytes);
    const auto* written = std::find_if(begin, end, [](std::byte b) { return b != kGuard; });
    if (written != end)
      die(fmt::format("byte {} behind an allocation of {} was written", written - begin, bytes));
  }
}

}  // namespace obscura::test::emulation
