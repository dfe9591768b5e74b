// Stands in for src/backend/cuda/kernels/launch.cuh where kernels are compiled for the CPU: the
// same two functions, and CUDA's variables, functions and keywords that nvcc knows by itself.
#pragma once

#include <math.h>  // NOLINT: CUDA has these functions outside of std

#include <bit>
#include <type_traits>

#include "backend/cuda/emulation/runtime.h"
#include "backend/cuda/emulation/threads.h"

#undef __shared__
#undef __launch_bounds__
// All shared variables of the program lie side by side, to be poisoned before each block.
#define __shared__ static __attribute__((section("emulated_shared")))
#define __launch_bounds__(...)

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  obscura::test::emulation::wait_for_block({file, line});
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  static_assert(sizeof(T) == 4);
  return std::bit_cast<T>(obscura::test::emulation::exchange(
      mask, std::bit_cast<std::uint32_t>(value), lane_mask, {file, line}));
}

inline int min(int a, int b) {
  return a < b ? a : b;
}
inline int max(int a, int b) {
  return a > b ? a : b;
}
inline int __ffs(int bits) {
  return __builtin_ffs(bits);
}
inline float __int_as_float(int bits) {
  return std::bit_cast<float>(bits);
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline float __fdividef(float a, float b) {
  return a / b;
}
inline float __expf(float x) {
  return expf(x);
}
inline void sincospif(float x, float* sine, float* cosine) {
  *sine = static_cast<float>(sin(M_PI * static_cast<double>(x)));
  *cosine = static_cast<float>(cos(M_PI * static_cast<double>(x)));
}

namespace obscura::backend::cuda {

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(test::emulation::dynamic_shared_memory());
}

template <class... Parameters>
[[nodiscard]] cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block,
                                 std::size_t shared_bytes, cudaStream_t stream,
                                 std::type_identity_t<Parameters>... arguments) {
  return test::emulation::enqueue(stream, {.function = reinterpret_cast<const void*>(kernel),
                                           .grid = grid,
                                           .block = block,
                                           .shared_bytes = shared_bytes,
                                           .body = [=] { kernel(arguments...); }});
}

}  // namespace obscura::backend::cuda
