// CUDA's runtime on the CPU: memory, streams, events and graphs of one device, so that the whole
// backend runs on it as it is. Linked in place of NVIDIA's.
//
// Nothing runs before somebody waits for it, and then in the order that the streams leave open
// which is worst: a kernel that starts before its weights have arrived reads what was there before.
// Each kernel runs twice, its threads in forward and in backward order, and must give the same
// bits. Memory of the device has pages behind it that nobody may touch, and is closed to the host.
#pragma once

#include <cstddef>
#include <functional>

#include "backend/cuda/emulation/threads.h"

namespace obscura::test::emulation {

// Puts a kernel on the stream; what launching one on a device would return.
cudaError_t enqueue(cudaStream_t stream, Kernel kernel);
// … or anything else that computes on device memory: the libraries' products.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);

// Which stream goes first where several may: the one that was made first, or last.
enum class Priority { kOldest, kNewest };
void set_priority(Priority priority);

// How much memory the device has from now on, 1 GiB before the first call; and how much of it is
// taken.
void set_device_bytes(std::size_t bytes);
std::size_t device_bytes_taken();
std::size_t device_bytes_in_all();

// Refuses one allocation on the device, after `others` more, as if another program had been
// quicker; none if that is negative.
void refuse_allocation(int others);

// From now on all work fails, and no stream can be made, until somebody resets the device.
void lose_device();

// What cuDNN has engines for: any graph, as before the first call; all but attention as one
// operation, as before it had that; or, as for some sizes, a convolution alone.
enum class Engines { kAll, kNoAttentionOperation, kConvolutions };
void set_engines(Engines wanted);
Engines library_engines();

// Calls since the last of this that put something on a stream: kernels, copies and library calls
// one by one, a replayed graph as one.
int calls_since_last();

}  // namespace obscura::test::emulation
