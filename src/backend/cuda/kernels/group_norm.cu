// Means are summed as differences from one of them, and squares about the mean: no digits are lost
// where a mean is large.
//
// The image is cut into slices of pixels; a block finds the moments of each group in its slice, and
// every later block that needs a group's mean and variance merges the slices anew: fewer bytes than
// it then normalises, and no launch in between. Slices depend on an image's size alone, so that its
// bits do not depend on its batch.
#include "backend/cuda/kernels/group_norm.h"

#include <algorithm>

#include "backend/cuda/kernels/math.cuh"
#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace obscura::backend::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kBatch = 4;  // packets of a thread under way at once

// A thread keeps to one column of packets and walks down the pixels, beside `lanes - 1` others in
// the same column.
struct Layout {
  std::int64_t pixels, slice_pixels;
  int slices, channels, groups, group_width;
  int columns;        // packets in a pixel
  int chunk_columns;  // those that the threads cover at once; more than one chunk: one lane
  int chunks, lanes;

  // Channels are kept packet element by packet element: threads side by side write side by side.
  template <int n>
  __device__ int slot(int channel) const {
    int column = channel / n, chunk = column / chunk_columns;
    return (chunk * n + channel % n) * chunk_columns + column - chunk * chunk_columns;
  }
};

int packet_of(const Groups& image, bool whole) {
  return whole ? 16 / static_cast<int>(size_of(image.element)) : 1;
}

Layout layout_of(const Groups& image, int packet) {
  Layout l;
  l.pixels = image.pixels;
  l.channels = image.channels;
  l.groups = image.groups;
  l.group_width = image.channels / image.groups;
  l.columns = image.channels / packet;
  l.chunks = (l.columns + kThreads - 1) / kThreads;
  l.chunk_columns = (l.columns + l.chunks - 1) / l.chunks;
  l.lanes = l.chunks > 1 ? 1 : kThreads / l.chunk_columns;
  // Up to 64 slices as long as a thread gets four packets; more only where it would get over 128.
  std::int64_t most = std::clamp<std::int64_t>(l.pixels / (l.lanes * 128), 64, 256);
  std::int64_t slices = std::clamp<std::int64_t>(l.pixels / (l.lanes * kBatch), 1, most);
  l.slice_pixels = (l.pixels + slices - 1) / slices;
  l.slices = static_cast<int>((l.pixels + l.slice_pixels - 1) / l.slice_pixels);
  return l;
}

struct Moments {
  float mean, m2;  // m2: the sum of squared deviations from the mean
};

// The moments of each channel over `count` pixels that are `stride` packets apart, from deviations
// from the first of them.
template <class T, int n>
__device__ void channel_moments(const Packet<T, n>* x, std::int64_t stride, int count,
                                Moments (&moments)[n]) {
  float shift[n], sum[n] = {}, squares[n] = {};
  widen(x[0], shift);
  for (int i = 0; i < count; i += kBatch) {
    Packet<T, n> packets[kBatch];
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (i + k < count) packets[k] = x[(i + k) * stride];
    }
#pragma unroll
    for (int k = 0; k < kBatch; ++k) {
      if (i + k >= count) break;
      float v[n];
      widen(packets[k], v);
#pragma unroll
      for (int j = 0; j < n; ++j) {
        float d = v[j] - shift[j];
        sum[j] += d;
        squares[j] = fmaf(d, d, squares[j]);
      }
    }
  }
  float inverse = 1.0f / static_cast<float>(count);
#pragma unroll
  for (int j = 0; j < n; ++j) {
    float offset = sum[j] * inverse;
    moments[j] = {shift[j] + offset, fmaxf(fmaf(-offset, sum[j], squares[j]), 0.0f)};
  }
}

// The moments of a group over a slice from those of its channels, each over `count` pixels; by
// `lanes` threads that call together.
template <int n, int lanes>
__device__ Moments group_of_channels(const Moments* channels, const Layout& l, int group, int lane,
                                     float count) {
  auto sum = [](float x) { return lanes == 1 ? x : reduce_warp(x, Sum()); };
  int first = group * l.group_width, end = first + l.group_width;
  float about = channels[l.slot<n>(first)].mean, total = 0, m2 = 0;
  for (int c = first + lane; c < end; c += lanes) total += channels[l.slot<n>(c)].mean - about;
  float mean = about + sum(total) / static_cast<float>(l.group_width);
  for (int c = first + lane; c < end; c += lanes) {
    Moments m = channels[l.slot<n>(c)];
    m2 += m.m2 + count * (m.mean - mean) * (m.mean - mean);
  }
  return {mean, sum(m2)};
}

// slices x samples blocks; partial (samples, groups, slices).
template <class T, int n>
__global__ void __launch_bounds__(kThreads, 2)
    slice_moments(const Packet<T, n>* x, const Layout l, Moments* partial) {
  auto* shared = dynamic_shared<Moments>();
  std::int64_t sample = blockIdx.x / static_cast<unsigned>(l.slices);
  int slice = static_cast<int>(blockIdx.x % static_cast<unsigned>(l.slices));
  std::int64_t begin = slice * l.slice_pixels;
  std::int64_t left = l.pixels - begin;
  int pixels = static_cast<int>(left < l.slice_pixels ? left : l.slice_pixels);
  int thread = static_cast<int>(threadIdx.x);
  int lane = thread / l.chunk_columns, chunk_column = thread % l.chunk_columns;
  int each = pixels / l.lanes, rest = pixels - each * l.lanes;
  auto count_of = [&](int of_lane) { return each + (of_lane < rest ? 1 : 0); };
  const Packet<T, n>* first = x + (sample * l.pixels + begin + lane) * l.columns;
  for (int chunk = 0; chunk < l.chunks; ++chunk) {
    int column = chunk * l.chunk_columns + chunk_column;
    if (lane >= l.lanes || lane >= pixels || column >= l.columns) continue;
    Moments moments[n];
    channel_moments(first + column, static_cast<std::int64_t>(l.lanes) * l.columns, count_of(lane),
                    moments);
    Moments* row = shared + (chunk + lane) * n * l.chunk_columns + chunk_column;
#pragma unroll
    for (int j = 0; j < n; ++j) row[j * l.chunk_columns] = moments[j];
  }
  __syncthreads();
  int lanes = min(l.lanes, pixels), width = n * l.chunk_columns;
  if (lanes > 1) {
    for (int i = thread; i < width; i += kThreads) {
      float about = shared[i].mean, sum = 0, m2 = 0;
      for (int j = 1; j < lanes; ++j) sum += (shared[j * width + i].mean - about) * count_of(j);
      float mean = about + sum / static_cast<float>(pixels);
      for (int j = 0; j < lanes; ++j) {
        Moments m = shared[j * width + i];
        m2 += m.m2 + (m.mean - mean) * (m.mean - mean) * count_of(j);
      }
      shared[i] = {mean, m2};
    }
    __syncthreads();
  }
  float count = static_cast<float>(pixels);
  Moments* target = partial + sample * l.groups * l.slices + slice;
  if (l.group_width < 8) {
    for (int g = thread; g < l.groups; g += kThreads) {
      target[static_cast<std::int64_t>(g) * l.slices] =
          group_of_channels<n, 1>(shared, l, g, 0, count);
    }
  } else {
    for (int g = thread / kWarp; g < l.groups; g += kThreads / kWarp) {
      Moments m = group_of_channels<n, kWarp>(shared, l, g, thread % kWarp, count);
      if (thread % kWarp == 0) target[static_cast<std::int64_t>(g) * l.slices] = m;
    }
  }
}

// Mean and variance over all slices of the `groups` <= kMany groups from `partial` on, found by a
// warp; every lane gets them.
template <int kMany>
__device__ void merge_slices(const Moments* partial, const Layout& l, int groups, int lane,
                             float (&mean)[kMany], float (&variance)[kMany]) {
  constexpr int kHeld = 8;  // 256 slices
  Moments held[kMany][kHeld];
  auto count_of = [&](int slice) {
    std::int64_t left = l.pixels - slice * l.slice_pixels;
    return static_cast<float>(left < l.slice_pixels ? left : l.slice_pixels);
  };
#pragma unroll
  for (int m = 0; m < kMany; ++m) {
    mean[m] = m < groups ? partial[m * l.slices].mean : 0;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      int slice = i * kWarp + lane;
      held[m][i] = slice < l.slices && m < groups ? partial[m * l.slices + slice] : Moments{0, 0};
    }
  }
  float pixels = static_cast<float>(l.pixels), width = static_cast<float>(l.group_width);
#pragma unroll
  for (int m = 0; m < kMany; ++m) {
    float sum = 0, m2 = 0;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      if (i * kWarp + lane < l.slices)
        sum += (held[m][i].mean - mean[m]) * count_of(i * kWarp + lane);
    }
    mean[m] += reduce_warp(sum, Sum()) / pixels;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      float d = held[m][i].mean - mean[m];
      if (i * kWarp + lane < l.slices)
        m2 += held[m][i].m2 + d * d * count_of(i * kWarp + lane) * width;
    }
    variance[m] = reduce_warp(m2, Sum()) / (pixels * width);
  }
}

// tiles x samples blocks.
template <class T, int n>
__global__ void __launch_bounds__(kThreads, 2)
    normalise(const Packet<T, n>* x, const Packet<T, n>* gamma, const Packet<T, n>* beta,
              const Moments* partial, const Layout l, float eps, bool with_silu, int tiles,
              int tile_pixels, Packet<T, n>* y) {
  auto* shared = dynamic_shared<Moments>();  // mean and 1 / sqrt(variance + eps) of each group
  // Last slices first: they are what the cache still holds of a large image.
  unsigned block = gridDim.x - 1 - blockIdx.x;
  std::int64_t sample = block / static_cast<unsigned>(tiles);
  std::int64_t begin =
      static_cast<std::int64_t>(block % static_cast<unsigned>(tiles)) * tile_pixels;
  std::int64_t left = l.pixels - begin;
  int pixels = static_cast<int>(left < tile_pixels ? left : tile_pixels);
  int thread = static_cast<int>(threadIdx.x);
  // Two groups a warp at once: the usual 32 in one go.
  for (int g = thread / kWarp * 2; g < l.groups; g += kThreads / kWarp * 2) {
    float mean[2], variance[2];
    int here = min(2, l.groups - g);
    merge_slices(partial + (sample * l.groups + g) * l.slices, l, here, thread % kWarp, mean,
                 variance);
    for (int m = 0; m < here; ++m)
      if (thread % kWarp == m) shared[g + m] = {mean[m], 1.0f / sqrtf(variance[m] + eps)};
  }
  __syncthreads();
  int lane = thread / l.chunk_columns;
  if (lane >= l.lanes) return;
  std::int64_t stride = static_cast<std::int64_t>(l.lanes) * l.columns;
  for (int column = thread % l.chunk_columns; column < l.columns; column += l.chunk_columns) {
    float scale[n], shift[n];
    widen(gamma[column], scale);
    widen(beta[column], shift);
#pragma unroll
    for (int j = 0; j < n; ++j) {
      Moments group = shared[(column * n + j) / l.group_width];
      scale[j] *= group.m2;
      shift[j] = fmaf(-group.mean, scale[j], shift[j]);
    }
    std::int64_t at = (sample * l.pixels + begin + lane) * l.columns + column;
    for (int p = lane; p < pixels; p += kBatch * l.lanes, at += kBatch * stride) {
      Packet<T, n> packets[kBatch];
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
        if (p + k * l.lanes < pixels) packets[k] = x[at + k * stride];
      }
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
        if (p + k * l.lanes >= pixels) break;
        float v[n];
        widen(packets[k], v);
#pragma unroll
        for (int j = 0; j < n; ++j) {
          v[j] = fmaf(v[j], scale[j], shift[j]);
          if (with_silu) v[j] = silu<T>(v[j]);
        }
        y[at + k * stride] = narrow<T>(v);
      }
    }
  }
}

// A warp for each group of each sample. With gamma and beta the scales and shifts of the group's
// channels; without, its mean and variance.
template <class T>
__global__ void finish_stats(const T* gamma, const T* beta, const Moments* partial, const Layout l,
                             float eps, std::int64_t samples, float* target) {
  std::int64_t which = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  if (which >= samples * l.groups) return;
  int lane = static_cast<int>(threadIdx.x % kWarp);
  std::int64_t sample = which / l.groups;
  int group = static_cast<int>(which - sample * l.groups);
  float mean[1], variance[1];
  merge_slices(partial + which * l.slices, l, 1, lane, mean, variance);
  if (gamma == nullptr) {
    if (lane < 2)
      target[(sample * 2 + lane) * l.groups + group] = lane == 0 ? mean[0] : variance[0];
    return;
  }
  float inverse = 1.0f / sqrtf(variance[0] + eps);
  float* scales = target + sample * 2 * l.channels;
  for (int c = group * l.group_width + lane; c < (group + 1) * l.group_width; c += kWarp) {
    float scale = widen(gamma[c]) * inverse;
    scales[c] = scale;
    scales[l.channels + c] = fmaf(-mean[0], scale, widen(beta[c]));
  }
}

template <class T, int n>
cudaError_t launch_slices(const Groups& image, const Layout& l, const void* x, void* workspace,
                          cudaStream_t stream) {
  std::size_t bytes =
      sizeof(Moments) * static_cast<std::size_t>((l.chunks + l.lanes - 1) * n * l.chunk_columns);
  return launch(slice_moments<T, n>, static_cast<unsigned>(image.samples * l.slices), kThreads,
                bytes, stream, static_cast<const Packet<T, n>*>(x), l,
                static_cast<Moments*>(workspace));
}

// Statistics alone; gamma and beta as in finish_stats.
cudaError_t find_stats(const Groups& image, const void* x, const void* gamma, const void* beta,
                       float eps, float* target, void* workspace, cudaStream_t stream) {
  if (image.samples * image.pixels == 0) return cudaSuccess;
  return with_packets(image.element, {x}, {image.channels}, [&](auto type, auto packet) {
    constexpr int n = decltype(packet)::value;
    using T = typename decltype(type)::type;
    Layout l = layout_of(image, n);
    cudaError_t error = launch_slices<T, n>(image, l, x, workspace, stream);
    if (error != cudaSuccess) return error;
    std::int64_t blocks = (image.samples * l.groups + 7) / 8;
    return launch(finish_stats<T>, static_cast<unsigned>(blocks), 8 * kWarp, 0, stream,
                  static_cast<const T*>(gamma), static_cast<const T*>(beta),
                  static_cast<const Moments*>(workspace), l, eps, image.samples, target);
  });
}

}  // namespace

std::size_t moments_bytes(const Groups& image) {
  // Either packet may be chosen: pointers decide as well.
  int most = 1;
  for (bool whole : {false, true}) {
    int packet = packet_of(image, whole);
    if (image.channels % packet == 0) most = std::max(most, layout_of(image, packet).slices);
  }
  return static_cast<std::size_t>(image.samples) * static_cast<std::size_t>(image.groups * most) *
         sizeof(Moments);
}

cudaError_t group_norm(const Groups& image, const void* x, const void* gamma, const void* beta,
                       float eps, bool silu, void* y, void* workspace, cudaStream_t stream) {
  if (image.samples * image.pixels == 0) return cudaSuccess;
  return with_packets(
      image.element, {x, gamma, beta, y}, {image.channels}, [&](auto type, auto packet) {
        constexpr int n = decltype(packet)::value;
        using T = typename decltype(type)::type;
        using P = Packet<T, n>;
        Layout l = layout_of(image, n);
        cudaError_t error = launch_slices<T, n>(image, l, x, workspace, stream);
        if (error != cudaSuccess) return error;
        // Two blocks for each of 132 multiprocessors, more where a thread would get over 32
        // packets.
        std::int64_t wanted =
            std::max((263 + image.samples) / image.samples, l.pixels / (l.lanes * 32));
        std::int64_t tiles =
            std::min(wanted, (l.pixels + l.lanes - 1) / static_cast<std::int64_t>(l.lanes));
        auto tile_pixels = static_cast<int>((l.pixels + tiles - 1) / tiles);
        tiles = (l.pixels + tile_pixels - 1) / tile_pixels;
        std::size_t bytes = sizeof(Moments) * static_cast<std::size_t>(l.groups);
        return launch(normalise<T, n>, static_cast<unsigned>(image.samples * tiles), kThreads,
                      bytes, stream, static_cast<const P*>(x), static_cast<const P*>(gamma),
                      static_cast<const P*>(beta), static_cast<const Moments*>(workspace), l, eps,
                      silu, static_cast<int>(tiles), tile_pixels, static_cast<P*>(y));
      });
}

cudaError_t group_stats(const Groups& image, const void* x, const void* gamma, const void* beta,
                        float eps, float* scale_shift, void* workspace, cudaStream_t stream) {
  return find_stats(image, x, gamma, beta, eps, scale_shift, workspace, stream);
}

cudaError_t group_moments(const Groups& image, const void* x, float* moments, void* workspace,
                          cudaStream_t stream) {
  return find_stats(image, x, nullptr, nullptr, 0, moments, workspace, stream);
}

}  // namespace obscura::backend::cuda
