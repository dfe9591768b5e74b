#include "backend/cuda/kernels/layer_norm.h"

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int kRowsABlock = 8;

// A warp to a row, which is read once and stays in its registers: the variance is that of the
// deviations from the mean.
template <class T, int kWidest>
__global__ void __launch_bounds__(kRowsABlock* kWarp)
    layer_norm_in_registers(const Packet<T, kPacket<T>>* x, const Packet<T, kPacket<T>>* gamma,
                            const Packet<T, kPacket<T>>* beta, float eps, Packet<T, kPacket<T>>* y,
                            std::int64_t rows, int columns) {
  constexpr int n = kPacket<T>, kHeld = kWidest / (n * kWarp);
  std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kRowsABlock + threadIdx.x / kWarp;
  if (row >= rows) return;
  int lane = static_cast<int>(threadIdx.x % kWarp);
  x += row * columns;
  y += row * columns;
  float v[kHeld][n];
  Packet<T, n> packets[kHeld];
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kWarp + lane < columns) packets[i] = x[i * kWarp + lane];
  }
  float sum = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kWarp + lane >= columns) break;
    widen(packets[i], v[i]);
#pragma unroll
    for (int j = 0; j < n; ++j) sum += v[i][j];
  }
  float width = static_cast<float>(columns * n);
  float mean = reduce_warp(sum, Sum()) / width;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (i * kWarp + lane >= columns) break;
#pragma unroll
    for (int j = 0; j < n; ++j) {
      v[i][j] -= mean;
      squares = fmaf(v[i][j], v[i][j], squares);
    }
  }
  float inverse = 1.0f / sqrtf(reduce_warp(squares, Sum()) / width + eps);
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    int column = i * kWarp + lane;
    if (column >= columns) break;
    float scale[n], shift[n];
    widen(gamma[column], scale);
    widen(beta[column], shift);
#pragma unroll
    for (int j = 0; j < n; ++j) v[i][j] = fmaf(v[i][j] * inverse, scale[j], shift[j]);
    y[column] = narrow<T>(v[i]);
  }
}

// A block to a row of any width, read three times.
template <class T>
__global__ void __launch_bounds__(256) layer_norm_wide(const T* x, const T* gamma, const T* beta,
                                                       float eps, T* y, std::int64_t width) {
  __shared__ float scratch[256 / kWarp];
  x += blockIdx.x * width;
  y += blockIdx.x * width;
  float sum = 0, squares = 0;
  for (std::int64_t i = threadIdx.x; i < width; i += 256) sum += widen(x[i]);
  float mean = reduce<256>(sum, scratch, Sum()) / static_cast<float>(width);
  for (std::int64_t i = threadIdx.x; i < width; i += 256) {
    float d = widen(x[i]) - mean;
    squares = fmaf(d, d, squares);
  }
  float variance = reduce<256>(squares, scratch, Sum()) / static_cast<float>(width);
  float inverse = 1.0f / sqrtf(variance + eps);
  for (std::int64_t i = threadIdx.x; i < width; i += 256)
    y[i] = narrow<T>(fmaf((widen(x[i]) - mean) * inverse, widen(gamma[i]), widen(beta[i])));
}

template <class T, int kWidest>
cudaError_t launch_in_registers(const void* x, const void* gamma, const void* beta, float eps,
                                void* y, std::int64_t rows, std::int64_t width,
                                cudaStream_t stream) {
  using P = Packet<T, kPacket<T>>;
  auto blocks = static_cast<unsigned>((rows + kRowsABlock - 1) / kRowsABlock);
  return launch(layer_norm_in_registers<T, kWidest>, blocks, kRowsABlock * kWarp, 0, stream,
                static_cast<const P*>(x), static_cast<const P*>(gamma), static_cast<const P*>(beta),
                eps, static_cast<P*>(y), rows, static_cast<int>(width / kPacket<T>));
}

}  // namespace

cudaError_t layer_norm(Element element, const void* x, const void* gamma, const void* beta,
                       float eps, void* y, std::int64_t rows, std::int64_t width,
                       cudaStream_t stream) {
  if (rows <= 0 || width <= 0) return cudaSuccess;
  return with_type(element, [&](auto type) {
    using T = typename decltype(type)::type;
    bool whole = width % kPacket<T> == 0 && divides(16, {x, gamma, beta, y}, {});
    if (whole && width <= 512) {
      return launch_in_registers<T, 512>(x, gamma, beta, eps, y, rows, width, stream);
    } else if (whole && width <= 768) {
      return launch_in_registers<T, 768>(x, gamma, beta, eps, y, rows, width, stream);
    } else if (whole && width <= 1280) {
      return launch_in_registers<T, 1280>(x, gamma, beta, eps, y, rows, width, stream);
    } else if (whole && width <= 2048) {
      return launch_in_registers<T, 2048>(x, gamma, beta, eps, y, rows, width, stream);
    } else {
      return launch(layer_norm_wide<T>, static_cast<unsigned>(rows), 256, 0, stream,
                    static_cast<const T*>(x), static_cast<const T*>(gamma),
                    static_cast<const T*>(beta), eps, static_cast<T*>(y), width);
    }
  });
}

}  // namespace obscura::backend::cuda
