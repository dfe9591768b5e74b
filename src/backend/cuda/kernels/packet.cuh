// Packets of elements, as one memory access moves them, and their conversion to and from float32.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

template <class T, int count>
struct alignas(sizeof(T) * count) Packet {
  T elements[count];
};

// Elements in 16 bytes, the widest access of a thread.
template <class T>
inline constexpr int kPacket = 16 / static_cast<int>(sizeof(T));

__device__ inline float widen(float x) {
  return x;
}
__device__ inline float widen(__half x) {
  return __half2float(x);
}
__device__ inline float widen(__nv_bfloat16 x) {
  return __bfloat162float(x);
}

template <class T>
__device__ inline T narrow(float x) {
  if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(x);
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return __float2bfloat16_rn(x);
  } else {
    return x;
  }
}

template <class T, int count>
__device__ inline void widen(const Packet<T, count>& packet, float (&x)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) x[i] = widen(packet.elements[i]);
}

template <class T, int count>
__device__ inline Packet<T, count> narrow(const float (&x)[count]) {
  Packet<T, count> packet;
  if constexpr (count % 2 == 0 && sizeof(T) == 2) {
    // One instruction rounds two elements and packs them.
#pragma unroll
    for (int i = 0; i < count; i += 2) {
      if constexpr (std::is_same_v<T, __half>) {
        __half2 two = __floats2half2_rn(x[i], x[i + 1]);
        packet.elements[i] = two.x;
        packet.elements[i + 1] = two.y;
      } else {
        __nv_bfloat162 two = __floats2bfloat162_rn(x[i], x[i + 1]);
        packet.elements[i] = two.x;
        packet.elements[i + 1] = two.y;
      }
    }
  } else {
#pragma unroll
    for (int i = 0; i < count; ++i) packet.elements[i] = narrow<T>(x[i]);
  }
  return packet;
}

// As many floats as a packet has elements; 16 bytes at once if there is more than one.
template <int count>
__device__ inline void load_floats(const float* source, float (&x)[count]) {
  if constexpr (count % 4 == 0) {
#pragma unroll
    for (int i = 0; i < count; i += 4) {
      float4 four = *reinterpret_cast<const float4*>(source + i);
      x[i] = four.x;
      x[i + 1] = four.y;
      x[i + 2] = four.z;
      x[i + 3] = four.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < count; ++i) x[i] = source[i];
  }
}

template <class T>
struct Type {
  using type = T;
};

// What body(Type<T>()) returns for the C++ type of an element.
template <class Body>
cudaError_t with_type(Element element, const Body& body) {
  switch (element) {
    case Element::kF32:
      return body(Type<float>());
    case Element::kF16:
      return body(Type<__half>());
    case Element::kBF16:
      return body(Type<__nv_bfloat16>());
  }
  return cudaErrorInvalidValue;
}

// Whether accesses of `bytes` reach every row: all pointers and row lengths are multiples of it.
// Null pointers stand for operands that are not there.
inline bool divides(std::size_t bytes, std::initializer_list<const void*> pointers,
                    std::initializer_list<std::int64_t> row_bytes) {
  for (const void* pointer : pointers) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0) return false;
  }
  for (std::int64_t length : row_bytes) {
    if (length % static_cast<std::int64_t>(bytes) != 0) return false;
  }
  return true;
}

// What body(Type<T>(), std::integral_constant<int, n>()) returns with n elements in 16 bytes, or
// one where rows of these lengths (in elements) do not divide into packets.
template <class Body>
cudaError_t with_packets(Element element, std::initializer_list<const void*> pointers,
                         std::initializer_list<std::int64_t> lengths, const Body& body) {
  bool whole = divides(16, pointers, {});
  std::int64_t packet = 16 / static_cast<std::int64_t>(size_of(element));
  for (std::int64_t length : lengths) whole = whole && length % packet == 0;
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    if (whole) {
      return body(type, std::integral_constant<int, kPacket<T>>());
    } else {
      return body(type, std::integral_constant<int, 1>());
    }
  });
}

}  // namespace obscura::backend::cuda
