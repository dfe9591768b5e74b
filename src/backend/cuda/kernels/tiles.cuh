// Work that is bound by memory, over samples x rows x columns of packets: cut into tiles of about a
// thousand packets, one for each block. An op names what a place loads and what it stores; its
// loads are issued together before the first store, so that enough bytes are under way.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backend/cuda/kernels/launch.cuh"

namespace obscura::backend::cuda {

struct Place {
  std::int64_t sample, row, column;
};

// Offsets of a tile are 64-bit, places inside it 32-bit: no 64-bit division is left for a thread.
struct Tiles {
  std::int64_t rows = 0, columns = 0;
  unsigned tile_rows = 1, tile_columns = 1, row_tiles = 0, column_tiles = 0, blocks = 0;

  Tiles(std::int64_t samples, std::int64_t row_count, std::int64_t column_count)
      : rows(row_count), columns(column_count) {
    if (samples <= 0 || rows <= 0 || columns <= 0) return;
    // Smaller tiles where there would not be a thousand of them: 132 multiprocessors hold that many
    // blocks at once.
    std::int64_t target = std::clamp<std::int64_t>(samples * rows * columns / 1024, 128, 1024);
    column_tiles = static_cast<unsigned>(std::max<std::int64_t>(1, columns / target));
    tile_columns = static_cast<unsigned>((columns + column_tiles - 1) / column_tiles);
    column_tiles = static_cast<unsigned>((columns + tile_columns - 1) / tile_columns);
    tile_rows = static_cast<unsigned>(
        std::clamp<std::int64_t>((target + tile_columns / 2) / tile_columns, 1, rows));
    row_tiles = static_cast<unsigned>((rows + tile_rows - 1) / tile_rows);
    blocks = static_cast<unsigned>(samples) * row_tiles * column_tiles;
  }
};

inline constexpr int kTileThreads = 512;

// Op: a trivially copyable struct with `kBatch` (loads of a thread under way at once), a type
// `Loaded`, `Loaded load(const Place&)` and `void store(const Place&, const Loaded&)`.
template <class Op>
__global__ void __launch_bounds__(kTileThreads) run_tiles(const Op op, const Tiles tiles) {
  unsigned column_tile = blockIdx.x % tiles.column_tiles;
  unsigned row_tile = blockIdx.x / tiles.column_tiles % tiles.row_tiles;
  Place first{blockIdx.x / tiles.column_tiles / tiles.row_tiles,
              static_cast<std::int64_t>(row_tile) * tiles.tile_rows,
              static_cast<std::int64_t>(column_tile) * tiles.tile_columns};
  std::int64_t rows_left = tiles.rows - first.row, columns_left = tiles.columns - first.column;
  unsigned rows = rows_left < tiles.tile_rows ? static_cast<unsigned>(rows_left) : tiles.tile_rows;
  unsigned columns =
      columns_left < tiles.tile_columns ? static_cast<unsigned>(columns_left) : tiles.tile_columns;
  unsigned count = rows * columns;
  for (unsigned base = threadIdx.x; base < count; base += Op::kBatch * blockDim.x) {
    typename Op::Loaded loaded[Op::kBatch];
    unsigned row[Op::kBatch], column[Op::kBatch];
#pragma unroll
    for (int k = 0; k < Op::kBatch; ++k) {
      unsigned i = base + static_cast<unsigned>(k) * blockDim.x;
      row[k] = i / columns;
      column[k] = i - row[k] * columns;
      if (i < count)
        loaded[k] = op.load({first.sample, first.row + row[k], first.column + column[k]});
    }
#pragma unroll
    for (int k = 0; k < Op::kBatch; ++k) {
      if (base + static_cast<unsigned>(k) * blockDim.x < count)
        op.store({first.sample, first.row + row[k], first.column + column[k]}, loaded[k]);
    }
  }
}

template <class Op>
cudaError_t launch_tiles(const Op& op, std::int64_t samples, std::int64_t rows,
                         std::int64_t columns, cudaStream_t stream) {
  Tiles tiles(samples, rows, columns);
  if (tiles.blocks == 0) return cudaSuccess;
  unsigned share = (tiles.tile_rows * tiles.tile_columns + Op::kBatch - 1) / Op::kBatch;
  unsigned threads = std::min<unsigned>((share + 31) / 32 * 32, kTileThreads);
  return launch(run_tiles<Op>, tiles.blocks, threads, 0, stream, op, tiles);
}

}  // namespace obscura::backend::cuda
