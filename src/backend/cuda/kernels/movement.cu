#include "backend/cuda/kernels/movement.h"

#include "backend/cuda/kernels/packet.cuh"
#include "backend/cuda/kernels/tiles.cuh"

namespace obscura::backend::cuda {
namespace {

template <class Unit>
struct Concat {
  static constexpr int kBatch = 4;
  using Loaded = Unit;

  const Unit* a;
  const Unit* b;
  Unit* y;
  std::int64_t a_width, b_width;

  __device__ Loaded load(const Place& at) const {
    return at.column < a_width ? a[at.row * a_width + at.column]
                               : b[at.row * b_width + (at.column - a_width)];
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    y[at.row * (a_width + b_width) + at.column] = loaded;
  }
};

template <class Unit>
struct Gather {
  static constexpr int kBatch = 4;
  using Loaded = Unit;

  const char* source;
  std::int64_t source_stride, rows;
  const std::int32_t* ids;
  Unit* y;
  std::int64_t width;

  __device__ Loaded load(const Place& at) const {
    std::int64_t id = ids[at.row];
    id = id < 0 ? 0 : id < rows ? id : rows - 1;
    auto* from = reinterpret_cast<const Unit*>(source + at.row * source_stride);
    return from[id * width + at.column];
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    y[at.row * width + at.column] = loaded;
  }
};

template <class Unit>
struct DoublePixels {
  static constexpr int kBatch = 4;
  using Loaded = Unit;

  const Unit* x;
  Unit* y;
  std::int64_t pixels, columns;
  unsigned width;

  __device__ Loaded load(const Place& at) const {
    return x[(at.sample * pixels + at.row) * columns + at.column];
  }
  __device__ void store(const Place& at, const Loaded& loaded) const {
    unsigned row = static_cast<unsigned>(at.row) / width;
    unsigned column = static_cast<unsigned>(at.row) - row * width;
    std::int64_t pixel =
        at.sample * 4 * pixels + static_cast<std::int64_t>(row) * 4 * width + 2 * column;
    Unit* corner = y + pixel * columns + at.column;
    Unit* below = corner + static_cast<std::int64_t>(2) * width * columns;
    corner[0] = loaded;
    corner[columns] = loaded;
    below[0] = loaded;
    below[columns] = loaded;
  }
};

// What body(Type<Unit>()) returns with the widest unit that fits.
template <class Body>
cudaError_t with_unit(std::initializer_list<const void*> pointers,
                      std::initializer_list<std::int64_t> lengths, const Body& body) {
  if (divides(16, pointers, lengths)) {
    return body(Type<uint4>());
  }
  if (divides(8, pointers, lengths)) {
    return body(Type<uint2>());
  }
  if (divides(4, pointers, lengths)) {
    return body(Type<std::uint32_t>());
  }
  return body(Type<std::uint16_t>());
}

}  // namespace

cudaError_t concat_rows(const void* a, std::int64_t a_bytes, const void* b, std::int64_t b_bytes,
                        void* y, std::int64_t rows, cudaStream_t stream) {
  return with_unit({a, b, y}, {a_bytes, b_bytes}, [&](auto type) {
    using Unit = typename decltype(type)::type;
    constexpr std::int64_t size = sizeof(Unit);
    Concat<Unit> op{static_cast<const Unit*>(a), static_cast<const Unit*>(b), static_cast<Unit*>(y),
                    a_bytes / size, b_bytes / size};
    return launch_tiles(op, 1, rows, (a_bytes + b_bytes) / size, stream);
  });
}

cudaError_t gather_rows(const void* source, std::int64_t source_stride, std::int64_t rows,
                        const std::int32_t* ids, std::int64_t count, std::int64_t row_bytes,
                        void* y, cudaStream_t stream) {
  return with_unit({source, y}, {row_bytes, source_stride}, [&](auto type) {
    using Unit = typename decltype(type)::type;
    constexpr std::int64_t size = sizeof(Unit);
    Gather<Unit> op{static_cast<const char*>(source),
                    source_stride,
                    rows,
                    ids,
                    static_cast<Unit*>(y),
                    row_bytes / size};
    return launch_tiles(op, 1, count, row_bytes / size, stream);
  });
}

cudaError_t double_pixels(const void* x, void* y, std::int64_t samples, std::int64_t height,
                          std::int64_t width, std::int64_t pixel_bytes, cudaStream_t stream) {
  return with_unit({x, y}, {pixel_bytes}, [&](auto type) {
    using Unit = typename decltype(type)::type;
    constexpr std::int64_t size = sizeof(Unit);
    DoublePixels<Unit> op{static_cast<const Unit*>(x), static_cast<Unit*>(y), height * width,
                          pixel_bytes / size, static_cast<unsigned>(width)};
    return launch_tiles(op, samples, height * width, pixel_bytes / size, stream);
  });
}

}  // namespace obscura::backend::cuda
