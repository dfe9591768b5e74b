#include "adapter/matrix_product.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "adapter/for_rows.h"

namespace obscura::adapter {
namespace {

// A tile of c is kTileRows vectors of kLanes columns: the sums fit the registers of AVX2 and of
// AVX-512.
constexpr std::int64_t kTileRows = 6, kLanes = 16;
// Rows that a thread computes with one packed panel of b.
constexpr std::int64_t kBlockRows = 8 * kTileRows;

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float))));

// kLanes columns of b from `column` on, one row after another; columns beyond the last are 0.
void pack(std::int64_t columns, std::int64_t inner, const float* b, std::int64_t column,
          float* panel) {
  std::int64_t width = std::min(kLanes, columns - column);
  for (std::int64_t k = 0; k < inner; ++k) {
    std::copy_n(b + k * columns + column, width, panel + k * kLanes);
    std::fill_n(panel + k * kLanes + width, kLanes - width, 0.0f);
  }
}

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
void add_block(std::int64_t rows, std::int64_t columns, std::int64_t inner, float scale,
               const float* a, const float* panel, std::int64_t column, float* c) {
  std::int64_t width = std::min(kLanes, columns - column);
  for (std::int64_t row = 0; row < rows; row += kTileRows) {
    // Rows beyond the last are computed as the last and not stored.
    const float* source[kTileRows];
    for (std::int64_t i = 0; i < kTileRows; ++i)
      source[i] = a + std::min(row + i, rows - 1) * inner;
    Lanes sums[kTileRows] = {};
    for (std::int64_t k = 0; k < inner; ++k) {
      const Lanes lane = *reinterpret_cast<const Lanes*>(panel + k * kLanes);
      for (std::int64_t i = 0; i < kTileRows; ++i) sums[i] += source[i][k] * lane;
    }
    for (std::int64_t i = 0; i < std::min(kTileRows, rows - row); ++i) {
      float* target = c + (row + i) * columns + column;
      if (width == kLanes) {
        *reinterpret_cast<Lanes*>(target) += scale * sums[i];
      } else {
        for (std::int64_t j = 0; j < width; ++j) target[j] += scale * sums[i][j];
      }
    }
  }
}

}  // namespace

void add_product(std::int64_t rows, std::int64_t columns, std::int64_t inner, float scale,
                 const float* a, const float* b, float* c) {
  for_rows((rows + kBlockRows - 1) / kBlockRows, rows * columns, [&](std::int64_t block) {
    std::int64_t begin = block * kBlockRows, count = std::min(kBlockRows, rows - begin);
    std::vector<float> panel(static_cast<std::size_t>(inner * kLanes));
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      pack(columns, inner, b, column, panel.data());
      add_block(count, columns, inner, scale, a + begin * inner, panel.data(), column,
                c + begin * columns);
    }
  });
}

}  // namespace obscura::adapter
