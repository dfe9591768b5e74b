// What the runtime's calls have in common: streams hold work until somebody waits for them.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace obscura::test::emulation {

// Puts work on the stream, or into the recording that the stream is part of.
cudaError_t put(cudaStream_t stream, std::function<void()> work);

// Runs all that streams hold.
void run_all();

// For calls that may not be made while a stream is recorded: whether one is, which they then spoil.
bool spoils_capture();

// Remembers an error for cudaGetLastError, and returns it.
cudaError_t told(cudaError_t error);

}  // namespace obscura::test::emulation
