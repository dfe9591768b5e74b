// The runtime's calls about memory and about the device.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/emulation/memory.h"
#include "backend/cuda/emulation/runtime.h"
#include "backend/cuda/emulation/streams.h"

namespace emulation = obscura::test::emulation;

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (emulation::spoils_capture()) return emulation::told(cudaErrorStreamCaptureUnsupported);
  *data = emulation::allocate_device(bytes);
  return emulation::told(*data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFree(void* data) {
  if (emulation::spoils_capture()) return emulation::told(cudaErrorStreamCaptureUnsupported);
  emulation::run_all();
  if (data != nullptr) emulation::free_device(data);
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned) {
  if (emulation::spoils_capture()) return emulation::told(cudaErrorStreamCaptureUnsupported);
  *data = emulation::allocate_pinned(bytes);
  return emulation::told(*data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFreeHost(void* data) {
  if (emulation::spoils_capture()) return emulation::told(cudaErrorStreamCaptureUnsupported);
  emulation::run_all();
  if (data != nullptr) emulation::free_pinned(data);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = emulation::device_bytes_in_all();
  *free = *total - std::min(*total, emulation::device_bytes_taken());
  return cudaSuccess;
}

// `rows` rows of `bytes`, so many bytes apart.
cudaError_t cudaMemcpy2DAsync(void* target, std::size_t target_stride, const void* source,
                              std::size_t source_stride, std::size_t bytes, std::size_t rows,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0 || rows == 0) return cudaSuccess;
  const bool from_device = kind != cudaMemcpyHostToDevice,
             to_device = kind != cudaMemcpyDeviceToHost;
  auto all = [&](std::size_t stride) { return (rows - 1) * stride + bytes; };
  if (from_device) emulation::expect_on_device(source, all(source_stride), "copying from");
  if (to_device) emulation::expect_on_device(target, all(target_stride), "copying to");
  if ((!from_device && emulation::on_device(source)) ||
      (!to_device && emulation::on_device(target)))
    emulation::die("copying in the other direction");
  auto copy = [=](const std::byte* from) {
    for (std::size_t row = 0; row < rows; ++row)
      std::memmove(static_cast<std::byte*>(target) + row * target_stride,
                   from + row * source_stride, bytes);
  };
  const auto* from = static_cast<const std::byte*>(source);
  if (!from_device && !emulation::is_pinned(source)) {
    // The driver has read such memory when the call returns.
    std::vector<std::byte> kept(from, from + all(source_stride));
    return emulation::put(stream, [copy, kept = std::move(kept)] { copy(kept.data()); });
  }
  cudaError_t error = emulation::put(stream, [copy, from] { copy(from); });
  if (!to_device && !emulation::is_pinned(target)) return cudaStreamSynchronize(stream);
  return error;
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  return cudaMemcpy2DAsync(target, bytes, source, bytes, bytes, 1, kind, stream);
}

cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
  cudaError_t error = cudaMemcpyAsync(target, source, bytes, kind, nullptr);
  return error != cudaSuccess ? error : cudaStreamSynchronize(nullptr);
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  emulation::expect_on_device(target, bytes, "filling");
  return emulation::put(stream, [=] { std::memset(target, value, bytes); });
}

cudaError_t cudaMemset(void* target, int value, std::size_t bytes) {
  cudaError_t error = cudaMemsetAsync(target, value, bytes, nullptr);
  return error != cudaSuccess ? error : cudaStreamSynchronize(nullptr);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return emulation::told(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

// As an H100 has it where the backend asks.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "emulation on the CPU");
  properties->major = 9;
  properties->multiProcessorCount = 132;
  properties->totalGlobalMem = emulation::device_bytes_in_all();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 1;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t error) {
  static thread_local std::string text;
  text = fmt::format("error {} of the emulation", static_cast<int>(error));
  return text.c_str();
}
