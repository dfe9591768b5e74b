#include "backend/cuda/emulation/threads.h"

#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

// The linker names the ends of the section that __shared__ variables are put into.
extern "C" char __start_emulated_shared[], __stop_emulated_shared[];

namespace obscura::test::emulation {
namespace {

constexpr unsigned kLanes = 32;
constexpr std::size_t kStackBytes = 64 * 1024;
constexpr std::size_t kGuardBytes = 256;
constexpr std::size_t kMostShared = 227 * 1024;  // what a block of an H100 can get
constexpr unsigned char kPoison = 0xff;          // NaN as any floating type, -1 as an integer

// A section of its own exists even in a program whose kernels share nothing.
__attribute__((section("emulated_shared"), used)) char some_shared[1];

alignas(256) unsigned char dynamic_shared[kMostShared + kGuardBytes];

// A stack to run a thread on, and where it was when it last gave way. Entered by makecontext, left
// and entered again by longjmp: unlike swapcontext it makes no system call.
struct Fiber {
  Fiber() {
    void* memory = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) die("no memory for a thread's stack");
    ::mprotect(memory, static_cast<std::size_t>(::getpagesize()), PROT_NONE);  // grows downwards
    stack = memory;
  }
  void* stack = nullptr;
  jmp_buf at;
  bool entered = false;
};

struct Thread {
  enum class State { kNew, kReady, kAtBarrier, kAtShuffle, kDone };
  State state = State::kNew;
  Fiber* fiber = nullptr;
  Line waits_at;
  unsigned mask = 0;
  int lane_mask = 0;
  std::uint32_t value = 0;  // given to a shuffle, then what came back
};

const Kernel* running = nullptr;
std::vector<Thread> threads;
std::vector<uint3> indices;  // of the threads
unsigned current = 0;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle;
jmp_buf scheduler;
ucontext_t entry;

std::string place(const uint3& at) {
  return fmt::format("({}, {}, {})", at.x, at.y, at.z);
}

uint3 index_in(const dim3& size, unsigned i) {
  return {i % size.x, i / size.x % size.y, i / size.x / size.y};
}

std::string text_of(const Line& at) {
  std::string file = at.file;
  return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), at.number);
}

bool same(const Line& a, const Line& b) {
  return a.number == b.number && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

[[noreturn]] void die_in(unsigned thread, const std::string& what) {
  current = thread;
  threadIdx = indices[thread];
  die(what);
}

// Back to the scheduler, until it resumes this thread.
void give_way() {
  if (_setjmp(threads[current].fiber->at) == 0) _longjmp(scheduler, 1);
}

// What every fiber does: runs the thread it was given, then waits for another.
void fiber_main() {
  for (;;) {
    running->body();
    threads[current].state = Thread::State::kDone;
    give_way();
  }
}

void resume(unsigned thread) {
  current = thread;
  threadIdx = indices[thread];
  Thread& t = threads[thread];
  if (t.fiber == nullptr) {
    if (idle.empty()) {
      fibers.push_back(std::make_unique<Fiber>());
      idle.push_back(fibers.back().get());
    }
    t.fiber = idle.back();
    idle.pop_back();
  }
  if (_setjmp(scheduler) == 0) {
    if (t.fiber->entered) _longjmp(t.fiber->at, 1);
    t.fiber->entered = true;
    ::getcontext(&entry);
    entry.uc_stack.ss_sp = t.fiber->stack;
    entry.uc_stack.ss_size = kStackBytes;
    ::makecontext(&entry, fiber_main, 0);
    ::setcontext(&entry);
  }
  Thread& after = threads[current];
  if (after.state != Thread::State::kDone) return;
  idle.push_back(after.fiber);
  after.fiber = nullptr;
}

// Lets the lanes of a shuffle go on once all of its mask have joined it.
bool finish_shuffle(unsigned first, unsigned end) {
  bool finished = false;
  for (unsigned lead = first; lead < end; ++lead) {
    Thread& leader = threads[lead];
    if (leader.state != Thread::State::kAtShuffle) continue;
    bool complete = true;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if ((leader.mask >> lane & 1) == 0) continue;
      if (first + lane >= end)
        die_in(lead, fmt::format("its shuffle at {} names lane {}, which the block does not have",
                                 text_of(leader.waits_at), lane));
      const Thread& other = threads[first + lane];
      if (other.state == Thread::State::kDone)
        die_in(lead, fmt::format("its shuffle at {} waits for lane {}, which has left the kernel",
                                 text_of(leader.waits_at), lane));
      if (other.state != Thread::State::kAtShuffle) {
        complete = false;
      } else if (!same(other.waits_at, leader.waits_at) || other.mask != leader.mask) {
        die_in(lead,
               fmt::format("its shuffle at {} (mask {:#x}) meets lane {}'s at {} (mask {:#x})",
                           text_of(leader.waits_at), leader.mask, lane, text_of(other.waits_at),
                           other.mask));
      }
    }
    if (!complete) continue;
    std::uint32_t given[kLanes] = {};
    for (unsigned lane = 0; first + lane < end; ++lane) given[lane] = threads[first + lane].value;
    const unsigned mask = leader.mask;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      Thread& t = threads[first + lane];
      unsigned from = lane ^ static_cast<unsigned>(t.lane_mask);
      if (from >= kLanes || (mask >> from & 1) == 0)
        die_in(first + lane,
               fmt::format("its shuffle at {} reads lane {}, which is not in mask {:#x}",
                           text_of(t.waits_at), from, mask));
      t.value = given[from];
      t.state = Thread::State::kReady;
    }
    finished = true;
  }
  return finished;
}

// As far as the warp comes without the others.
void run_warp(unsigned warp, Order order) {
  const unsigned first = warp * kLanes;
  const auto end = std::min<unsigned>(first + kLanes, static_cast<unsigned>(threads.size()));
  do {
    for (unsigned i = 0; i < end - first; ++i) {
      unsigned thread = order == Order::kForward ? first + i : end - 1 - i;
      Thread::State state = threads[thread].state;
      if (state != Thread::State::kNew && state != Thread::State::kReady) continue;
      resume(thread);
    }
  } while (finish_shuffle(first, end));
}

// Lets all threads go on that wait at the block's barrier; false once all have left the kernel.
bool finish_barrier() {
  const unsigned none = static_cast<unsigned>(threads.size());
  unsigned waiting = none, shuffling = none, gone = none;
  for (unsigned i = 0; i < none; ++i) {
    const Thread& t = threads[i];
    if (t.state == Thread::State::kAtBarrier) {
      if (waiting == none) waiting = i;
      if (!same(t.waits_at, threads[waiting].waits_at))
        die_in(waiting, fmt::format("a divergent barrier: it waits at {}, thread {} at {}",
                                    text_of(threads[waiting].waits_at), place(indices[i]),
                                    text_of(t.waits_at)));
    }
    if (t.state == Thread::State::kAtShuffle && shuffling == none) shuffling = i;
    if (t.state == Thread::State::kDone && gone == none) gone = i;
  }
  if (shuffling != none) {
    std::string other =
        waiting == none ? "other lanes of its mask"
                        : fmt::format("thread {}, which waits at the barrier at {}",
                                      place(indices[waiting]), text_of(threads[waiting].waits_at));
    die_in(shuffling, fmt::format("a deadlock: its shuffle at {} waits for {}",
                                  text_of(threads[shuffling].waits_at), other));
  }
  if (waiting == none) return false;
  if (gone != none)
    die_in(waiting,
           fmt::format("a divergent barrier: it waits at {}, thread {} has left the kernel",
                       text_of(threads[waiting].waits_at), place(indices[gone])));
  for (Thread& t : threads) t.state = Thread::State::kReady;
  return true;
}

void run_block(Order order) {
  std::memset(__start_emulated_shared, kPoison,
              static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
  std::memset(dynamic_shared, kPoison, running->shared_bytes + kGuardBytes);
  threads.assign(indices.size(), {});
  const unsigned warps = (static_cast<unsigned>(threads.size()) + kLanes - 1) / kLanes;
  do {
    for (unsigned i = 0; i < warps; ++i)
      run_warp(order == Order::kForward ? i : warps - 1 - i, order);
  } while (finish_barrier());
  const unsigned char* guard = dynamic_shared + running->shared_bytes;
  const unsigned char* written =
      std::find_if(guard, guard + kGuardBytes, [](unsigned char byte) { return byte != kPoison; });
  if (written != guard + kGuardBytes)
    die(fmt::format("byte {} of {} of its dynamic shared memory was written",
                    written - dynamic_shared, running->shared_bytes));
}

}  // namespace

void run(const Kernel& kernel, Order order) {
  if (kernel.shared_bytes > kMostShared) die("more shared memory than a block can have");
  running = &kernel;
  gridDim = kernel.grid;
  blockDim = kernel.block;
  indices.clear();
  for (unsigned i = 0; i < blockDim.x * blockDim.y * blockDim.z; ++i)
    indices.push_back(index_in(blockDim, i));
  const unsigned blocks = gridDim.x * gridDim.y * gridDim.z;
  for (unsigned i = 0; i < blocks; ++i) {
    unsigned block = order == Order::kForward ? i : blocks - 1 - i;
    blockIdx = index_in(gridDim, block);
    run_block(order);
  }
  running = nullptr;
}

void die(const std::string& what) {
  std::string where;
  if (running != nullptr)
    where = fmt::format("{}, block {}, thread {}: ", name_of(running->function), place(blockIdx),
                        place(threadIdx));
  std::fputs(("emulated CUDA: " + where + what + "\n").c_str(), stderr);
  std::abort();
}

std::string name_of(const void* function) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(bytes.data());
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(bytes.data() + header->e_shoff);
  std::uintptr_t base = 0;  // where the program lies, the first that is listed
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        *static_cast<std::uintptr_t*>(result) = info->dlpi_addr;
        return 1;
      },
      &base);
  const std::uintptr_t wanted = reinterpret_cast<std::uintptr_t>(function) - base;
  for (unsigned s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(bytes.data() + sections[s].sh_offset);
    const char* names = bytes.data() + sections[sections[s].sh_link].sh_offset;
    for (std::size_t i = 0; i < sections[s].sh_size / sizeof *symbols; ++i) {
      if (symbols[i].st_value != wanted || ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC) continue;
      int status = 0;
      std::unique_ptr<char, void (*)(void*)> readable(
          abi::__cxa_demangle(names + symbols[i].st_name, nullptr, nullptr, &status), std::free);
      return readable == nullptr ? names + symbols[i].st_name : readable.get();
    }
  }
  return "a kernel without a name";
}

void* dynamic_shared_memory() {
  return dynamic_shared;
}

void wait_for_block(Line at) {
  Thread& thread = threads[current];
  thread.state = Thread::State::kAtBarrier;
  thread.waits_at = at;
  give_way();
}

std::uint32_t exchange(unsigned mask, std::uint32_t value, int lane_mask, Line at) {
  Thread& thread = threads[current];
  if ((mask >> current % kLanes & 1) == 0)
    die(fmt::format("its shuffle at {} has mask {:#x}, which leaves itself out", text_of(at),
                    mask));
  thread.state = Thread::State::kAtShuffle;
  thread.waits_at = at;
  thread.mask = mask;
  thread.lane_mask = lane_mask;
  thread.value = value;
  give_way();
  return threads[current].value;
}

}  // namespace obscura::test::emulation
