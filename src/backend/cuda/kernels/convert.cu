// Casts, and the layouts that weights are brought into.
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/tiles.cuh"

namespace obscura::backend::cuda {
namespace {

struct E4M3 {
  std::uint8_t bits;
};
struct E5M2 {
  std::uint8_t bits;
};

__device__ float widen(double x) {
  return static_cast<float>(x);
}
// Its bits, moved to the place of a float16's, mean the value divided by 2^8: the exponent biases
// are 7 and 15. No infinity; all ones is NaN.
__device__ float widen(E4M3 x) {
  if ((x.bits & 0x7f) == 0x7f) return __int_as_float(0x7fc00000);
  unsigned bits = (x.bits & 0x80u) << 8 | (x.bits & 0x7fu) << 7;
  return 256.0f * __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
}
// The upper half of a float16.
__device__ float widen(E5M2 x) {
  return __half2float(__ushort_as_half(static_cast<unsigned short>(x.bits << 8)));
}

template <class From, class To, int n>
struct Convert {
  static constexpr int kBatch = 4;
  using Loaded = Packet<From, n>;

  const Packet<From, n>* source;
  Packet<To, n>* target;

  __device__ Loaded load(const Place& at) const { return source[at.column]; }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    float v[n];
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] = widen(loaded.elements[i]);
    target[at.column] = narrow<To>(v);
  }
};

template <class From, class To>
cudaError_t convert_between(const void* source, void* target, std::int64_t count,
                            cudaStream_t stream) {
  constexpr int n = 16 / static_cast<int>(sizeof(From) > sizeof(To) ? sizeof(From) : sizeof(To));
  if (count % n == 0 && divides(16, {source, target}, {})) {
    using Op = Convert<From, To, n>;
    return launch_tiles(
        Op{static_cast<const Packet<From, n>*>(source), static_cast<Packet<To, n>*>(target)}, 1, 1,
        count / n, stream);
  } else {
    using Op = Convert<From, To, 1>;
    return launch_tiles(
        Op{static_cast<const Packet<From, 1>*>(source), static_cast<Packet<To, 1>*>(target)}, 1, 1,
        count, stream);
  }
}

template <class From>
cudaError_t convert_from(DType to, const void* source, void* target, std::int64_t count,
                         cudaStream_t stream) {
  return with_type(element_of(to), [&](auto type) {
    using To = typename decltype(type)::type;
    if constexpr (std::is_same_v<From, To>) {
      return cudaErrorInvalidValue;  // convert() copies these
    } else {
      return convert_between<From, To>(source, target, count, stream);
    }
  });
}

// Reads a few elements apart, and each line as often as there are pixels: from the cache but once.
template <class T>
struct ChannelsLast {
  static constexpr int kBatch = 4;
  using Loaded = T;

  const T* source;
  T* target;
  std::int64_t in, pixels, in_padded;

  __device__ Loaded load(const Place& at) const {
    return at.column < in ? source[(at.sample * in + at.column) * pixels + at.row] : narrow<T>(0);
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    target[(at.sample * pixels + at.row) * in_padded + at.column] = loaded;
  }
};

}  // namespace

cudaError_t convert(DType from, const void* source, DType to, void* target, std::int64_t count,
                    cudaStream_t stream) {
  if (count <= 0) return cudaSuccess;
  if (from == to) {
    return cudaMemcpyAsync(target, source,
                           static_cast<std::size_t>(count) * size_of(element_of(to)),
                           cudaMemcpyDeviceToDevice, stream);
  }
  switch (from) {
    case DType::kF64:
      return convert_from<double>(to, source, target, count, stream);
    case DType::kF8E4M3:
      return convert_from<E4M3>(to, source, target, count, stream);
    case DType::kF8E5M2:
      return convert_from<E5M2>(to, source, target, count, stream);
    default:
      break;
  }
  return with_type(element_of(from), [&](auto type) {
    using From = typename decltype(type)::type;
    return convert_from<From>(to, source, target, count, stream);
  });
}

cudaError_t filter_to_channels_last(Element element, const void* source, void* target,
                                    std::int64_t out, std::int64_t in, std::int64_t pixels,
                                    std::int64_t in_padded, cudaStream_t stream) {
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    ChannelsLast<T> op{static_cast<const T*>(source), static_cast<T*>(target), in, pixels,
                       in_padded};
    return launch_tiles(op, out, pixels, in_padded, stream);
  });
}

}  // namespace obscura::backend::cuda
