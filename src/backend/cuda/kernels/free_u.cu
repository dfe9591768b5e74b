#include "backend/cuda/kernels/free_u.h"

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/cuda/kernels/tiles.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int kThreads = 256;
// The real numbers that make up frequencies 0 and -1 of both axes: the sum, and cosine and sine
// along y, along x and along the diagonal.
constexpr int kSums = 7;

struct Wave {
  float cosine, sine;
};

__device__ Wave wave(unsigned place, unsigned length) {
  Wave w;
  sincospif(2.0f * static_cast<float>(place) / static_cast<float>(length), &w.sine, &w.cosine);
  return w;
}

__device__ Wave product(Wave a, Wave b) {
  return {a.cosine * b.cosine - a.sine * b.sine, a.sine * b.cosine + a.cosine * b.sine};
}

// A warp of channels beside `kLanes` pixels at a time. sums (samples, kSums, channels).
template <class T>
__global__ void __launch_bounds__(kThreads)
    low_frequency_sums(const T* x, unsigned height, unsigned width, int channels, float* sums) {
  constexpr int kLanes = kThreads / kWarp;
  __shared__ float parts[kSums * kThreads];
  int thread = static_cast<int>(threadIdx.x), lane = thread / kWarp;
  int channel = static_cast<int>(blockIdx.x) * kWarp + thread % kWarp;
  unsigned pixels = height * width;
  float sum[kSums] = {};
  if (channel < channels) {
    const T* image = x + static_cast<std::int64_t>(blockIdx.y) * pixels * channels + channel;
    for (unsigned p = static_cast<unsigned>(lane); p < pixels; p += kLanes) {
      float v = widen(image[static_cast<std::int64_t>(p) * channels]);
      Wave along_y = wave(p / width, height), along_x = wave(p % width, width);
      Wave diagonal = product(along_y, along_x);
      sum[0] += v;
      sum[1] = fmaf(v, along_y.cosine, sum[1]);
      sum[2] = fmaf(v, along_y.sine, sum[2]);
      sum[3] = fmaf(v, along_x.cosine, sum[3]);
      sum[4] = fmaf(v, along_x.sine, sum[4]);
      sum[5] = fmaf(v, diagonal.cosine, sum[5]);
      sum[6] = fmaf(v, diagonal.sine, sum[6]);
    }
  }
#pragma unroll
  for (int i = 0; i < kSums; ++i) parts[i * kThreads + thread] = sum[i];
  __syncthreads();
  if (lane != 0 || channel >= channels) return;
#pragma unroll
  for (int i = 0; i < kSums; ++i) {
    float total = 0;
    for (int k = 0; k < kLanes; ++k) total += parts[i * kThreads + k * kWarp + thread];
    sums[(static_cast<std::int64_t>(blockIdx.y) * kSums + i) * channels + channel] = total;
  }
}

template <class T, int n>
struct AddLowFrequencies {
  static constexpr int kBatch = 2;
  using P = Packet<T, n>;
  using Loaded = P;

  const P* x;
  const float* sums;
  P* y;
  std::int64_t pixels, columns;
  unsigned height, width;
  float factor;

  __device__ Loaded load(const Place& at) const {
    return x[(at.sample * pixels + at.row) * columns + at.column];
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    auto p = static_cast<unsigned>(at.row);
    Wave along_y = wave(p / width, height), along_x = wave(p % width, width);
    Wave diagonal = product(along_y, along_x);
    float weights[kSums] = {1,
                            along_y.cosine,
                            along_y.sine,
                            along_x.cosine,
                            along_x.sine,
                            diagonal.cosine,
                            diagonal.sine};
    const float* sum = sums + (at.sample * kSums * columns + at.column) * n;
    float v[n], low[n] = {};
    widen(loaded, v);
#pragma unroll
    for (int i = 0; i < kSums; ++i) {
      float s[n];
      load_floats(sum + i * columns * n, s);
#pragma unroll
      for (int j = 0; j < n; ++j) low[j] = fmaf(s[j], weights[i], low[j]);
    }
#pragma unroll
    for (int j = 0; j < n; ++j) v[j] = fmaf(factor, low[j], v[j]);
    y[(at.sample * pixels + at.row) * columns + at.column] = narrow<T>(v);
  }
};

// A warp for each pixel.
template <class T, int n>
__global__ void __launch_bounds__(kThreads)
    pixel_means(const Packet<T, n>* x, std::int64_t pixels, int columns, float* means) {
  std::int64_t pixel = (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (pixel >= pixels) return;
  int lane = static_cast<int>(threadIdx.x % kWarp);
  float sum = 0;
  for (int c = lane; c < columns; c += kWarp) {
    float v[n];
    widen(x[pixel * columns + c], v);
#pragma unroll
    for (int j = 0; j < n; ++j) sum += v[j];
  }
  sum = reduce_warp(sum, Sum());
  if (lane == 0) means[pixel] = sum / static_cast<float>(columns * n);
}

// A block for each sample: the least mean and what the largest is above it.
__global__ void __launch_bounds__(kThreads)
    range_of_means(const float* means, std::int64_t pixels, float2* ranges) {
  __shared__ float scratch[kThreads / kWarp];
  const float* own = means + blockIdx.x * pixels;
  float most = own[0], least = -own[0];
  for (std::int64_t p = threadIdx.x; p < pixels; p += kThreads) {
    most = fmaxf(most, own[p]);
    least = fmaxf(least, -own[p]);
  }
  most = reduce<kThreads>(most, scratch, Larger());
  least = -reduce<kThreads>(least, scratch, Larger());
  if (threadIdx.x == 0) ranges[blockIdx.x] = make_float2(least, most - least);
}

template <class T, int n>
struct Strengthen {
  static constexpr int kBatch = 4;
  using P = Packet<T, n>;
  using Loaded = P;

  const P* x;
  const float* means;  // null: the same factor everywhere
  const float2* ranges;
  P* y;
  std::int64_t pixels, columns;
  int half;  // channels
  float scale;

  __device__ Loaded load(const Place& at) const {
    return x[(at.sample * pixels + at.row) * columns + at.column];
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    std::int64_t pixel = at.sample * pixels + at.row;
    float factor = scale;
    if (means != nullptr) {
      float2 range = ranges[at.sample];
      factor = range.y > 0 ? fmaf(scale - 1, (means[pixel] - range.x) / range.y, 1.0f) : 1.0f;
    }
    float v[n];
    widen(loaded, v);
#pragma unroll
    for (int j = 0; j < n; ++j)
      if (at.column * n + j < half) v[j] *= factor;
    y[pixel * columns + at.column] = narrow<T>(v);
  }
};

}  // namespace

std::size_t low_frequency_bytes(const FeatureMap& image) {
  return static_cast<std::size_t>(image.samples * kSums * image.channels) * sizeof(float);
}

std::size_t strengthen_bytes(const FeatureMap& image) {
  return static_cast<std::size_t>(image.samples) *
         (sizeof(float2) + static_cast<std::size_t>(image.height * image.width) * sizeof(float));
}

cudaError_t scale_low_frequencies(const FeatureMap& image, const void* x, float scale, void* y,
                                  void* workspace, cudaStream_t stream) {
  auto* sums = static_cast<float*>(workspace);
  auto height = static_cast<unsigned>(image.height), width = static_cast<unsigned>(image.width);
  return with_packets(image.element, {x, y}, {image.channels}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    AddLowFrequencies<T, n> op{static_cast<const P*>(x),
                               sums,
                               static_cast<P*>(y),
                               image.height * image.width,
                               image.channels / n,
                               height,
                               width,
                               0};
    // An axis of one pixel has no lower half of a spectrum: nothing changes.
    if (height > 1 && width > 1) op.factor = (scale - 1) / static_cast<float>(op.pixels);
    dim3 blocks(static_cast<unsigned>((image.channels + kWarp - 1) / kWarp),
                static_cast<unsigned>(image.samples));
    cudaError_t error =
        launch(low_frequency_sums<T>, blocks, kThreads, 0, stream, static_cast<const T*>(x), height,
               width, static_cast<int>(image.channels), sums);
    if (error != cudaSuccess) return error;
    return launch_tiles(op, image.samples, op.pixels, op.columns, stream);
  });
}

cudaError_t strengthen(const FeatureMap& image, const void* x, float scale, bool by_mean, void* y,
                       void* workspace, cudaStream_t stream) {
  auto* ranges = static_cast<float2*>(workspace);
  auto* means = reinterpret_cast<float*>(ranges + image.samples);
  return with_packets(image.element, {x, y}, {image.channels}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    using P = Packet<T, n>;
    std::int64_t pixels = image.height * image.width;
    Strengthen<T, n> op{static_cast<const P*>(x),
                        by_mean ? means : nullptr,
                        ranges,
                        static_cast<P*>(y),
                        pixels,
                        image.channels / n,
                        static_cast<int>(image.channels / 2),
                        scale};
    if (by_mean) {
      std::int64_t all = image.samples * pixels;
      auto blocks = static_cast<unsigned>((all * kWarp + kThreads - 1) / kThreads);
      cudaError_t error = launch(pixel_means<T, n>, blocks, kThreads, 0, stream, op.x, all,
                                 static_cast<int>(op.columns), means);
      if (error == cudaSuccess) {
        error = launch(range_of_means, static_cast<unsigned>(image.samples), kThreads, 0, stream,
                       means, pixels, ranges);
      }
      if (error != cudaSuccess) return error;
    }
    return launch_tiles(op, image.samples, pixels, op.columns, stream);
  });
}

}  // namespace obscura::backend::cuda
