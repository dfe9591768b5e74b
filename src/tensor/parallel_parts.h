// A loop over the parts of an array that uses the thread pool only where that pays.
#pragma once

#include <cstdint>

#include "base/parallel.h"

namespace obscura {

// Calls body(i) for every part of an array of `elements`; on the calling thread alone if the array
// is so small that waking the others would cost more than the work. As for parallel_for, body must
// not touch what another i writes.
template <class Body>
void parallel_for_parts(std::int64_t count, std::int64_t elements, const Body& body) {
  constexpr std::int64_t kWorthThreads = 1 << 16;
  if (elements >= kWorthThreads) {
    parallel_for(count, body);
  } else {
    for (std::int64_t i = 0; i < count; ++i) body(i);
  }
}

}  // namespace obscura
