// Loops over the rows of a matrix that an adapter changes.
#pragma once

#include <cstdint>

#include "base/parallel.h"

namespace obscura::adapter {

// body(row) for every row; on all threads where `elements` in all are worth waking them.
template <class Body>
void for_rows(std::int64_t rows, std::int64_t elements, const Body& body) {
  constexpr std::int64_t kWorthThreads = 1 << 14;
  if (elements >= kWorthThreads) {
    parallel_for(rows, body);
  } else {
    for (std::int64_t row = 0; row < rows; ++row) body(row);
  }
}

}  // namespace obscura::adapter
