#include "base/mapped_file.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/file_error.h"
#include "base/open_file.h"

namespace obscura {
namespace {

// One mapping, as the handler of SIGBUS may see it at any moment: a list that only grows. Once its
// mapping is gone, a slot has no size and serves another.
struct Slot {
  std::atomic<std::uintptr_t> begin = 0;
  std::atomic<std::size_t> size = 0;
  std::atomic<bool> unreadable = false;
  // Guarded by the list's mutex. The descriptor tells what becomes of the file, whatever its name.
  int descriptor = -1;
  timespec written = {};
  std::filesystem::path path;
  Slot* next = nullptr;

  bool holds(std::uintptr_t address) const { return address - begin < size; }
};

std::atomic<Slot*> first_slot = nullptr;
std::mutex slots_mutex;
struct sigaction action_before;

std::uintptr_t page_size() {
  static const auto size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

Slot* slot_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  for (Slot* slot = first_slot; slot != nullptr; slot = slot->next)
    if (slot->holds(address)) return slot;
  return nullptr;
}

// A page of a mapping that the file has not, or that the disk did not give: zeros from there to the
// mapping's end, and the instruction goes on. Any other SIGBUS is left to who handled it before.
void on_bus_error(int, siginfo_t* info, void*) {
  if (Slot* slot = slot_of(info->si_addr)) {
    const std::uintptr_t page =
        reinterpret_cast<std::uintptr_t>(info->si_addr) / page_size() * page_size();
    void* zeros = ::mmap(reinterpret_cast<void*>(page), slot->begin + slot->size - page, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    slot->unreadable = true;
    if (zeros != MAP_FAILED) return;
  }
  ::sigaction(SIGBUS, &action_before, nullptr);
}

void handle_bus_errors() {
  static const bool handled = [] {
    page_size();  // not for the first time in the handler
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return ::sigaction(SIGBUS, &action, &action_before) == 0;
  }();
  static_cast<void>(handled);
}

Slot& free_slot() {
  for (Slot* slot = first_slot; slot != nullptr; slot = slot->next)
    if (slot->descriptor < 0) return *slot;
  auto* slot = new Slot;  // never freed: the handler may be reading it
  slot->next = first_slot;
  first_slot = slot;
  return *slot;
}

void watch(std::span<const std::byte> bytes, int descriptor, const struct stat& info,
           const std::filesystem::path& path) {
  handle_bus_errors();
  const std::lock_guard lock(slots_mutex);
  Slot& slot = free_slot();
  slot.descriptor = descriptor;
  slot.written = info.st_mtim;
  slot.path = path;
  slot.unreadable = false;
  slot.begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  slot.size = bytes.size();
}

void forget(std::span<const std::byte> bytes) {
  const std::lock_guard lock(slots_mutex);
  Slot* slot = slot_of(bytes.data());
  slot->size = 0;
  ::close(std::exchange(slot->descriptor, -1));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  struct stat info = {};
  OBSCURA_ASSIGN(const int descriptor, open_regular_file(path, info));
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) {
    ::close(descriptor);
    return MappedFile(path, {});
  }
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) {
    Error error = file_error("cannot map", path);
    ::close(descriptor);
    return error;
  }
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(address), size);
  watch(bytes, descriptor, info, path);
  return MappedFile(path, bytes);
}

MappedFile::MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
    : path_(std::move(path)), bytes_(bytes) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  forget(bytes_);
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Status check_unchanged(std::span<const std::byte> bytes) {
  const std::lock_guard lock(slots_mutex);
  const Slot* slot = slot_of(bytes.data());
  if (slot == nullptr) return {};
  struct stat now = {};
  const bool same = !slot->unreadable && ::fstat(slot->descriptor, &now) == 0 &&
                    static_cast<std::size_t>(now.st_size) == slot->size &&
                    now.st_mtim.tv_sec == slot->written.tv_sec &&
                    now.st_mtim.tv_nsec == slot->written.tv_nsec;
  if (same) return {};
  return Error(ErrorKind::kIo,
               slot->path.string() + (slot->unreadable ? " was cut, or could not be read, while it "
                                                         "was in use"
                                                       : " was written while it was in use"));
}

void release_pages(std::span<const std::byte> bytes) {
  const std::uintptr_t page = page_size();
  // Only whole pages inside the range: its ends may share a page with a neighbour that is in use.
  std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  std::uintptr_t end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace obscura
