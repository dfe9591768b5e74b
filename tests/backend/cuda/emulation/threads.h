// CUDA's threads on the CPU, one block after the other and one thread at a time: what kernels are
// checked on where there is no GPU. It is slow, and exact about what CUDA leaves undefined: a
// barrier that not every thread of the block reaches, a shuffle that not every lane of its mask
// joins, threads that wait for one another, a result that depends on the order of threads, shared
// memory that is read before it is written or written behind its end. Each ends the program with
// the name of the kernel, the block and the thread.
#pragma once

#include <cuda_runtime_api.h>
#include <vector_functions.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

// Of the thread that runs now; as CUDA names them.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace obscura::test::emulation {

struct Kernel {
  const void* function;  // for its name
  dim3 grid, block;
  std::size_t shared_bytes;
  std::function<void()> body;  // of one thread
};

enum class Order { kForward, kBackward };

// Runs every thread of every block; `order` is that of blocks, and of threads between barriers.
void run(const Kernel& kernel, Order order);

// Ends the program: "emulated CUDA: <kernel>, block (x, y, z), thread (x, y, z): <what>". Outside
// of a kernel without those.
[[noreturn]] void die(const std::string& what);

// The kernel's name with its template arguments, from the program's symbol table.
std::string name_of(const void* function);

void* dynamic_shared_memory();

// A line of a kernel's source.
struct Line {
  const char* file = "";
  int number = 0;
};

// What a thread waits at, until the scheduler lets it go on.
void wait_for_block(Line at);
std::uint32_t exchange(unsigned mask, std::uint32_t value, int lane_mask, Line at);

}  // namespace obscura::test::emulation
