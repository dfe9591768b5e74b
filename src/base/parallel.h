// Runs a loop on the program's one thread pool (OpenMP's, which oneDNN uses too: a second pool
// would fight it).
#pragma once

#include <cstdint>

#include <omp.h>

namespace obscura {

// Calls body(i) for every i in [0, count), each on some thread, in chunks assigned by index alone,
// so that which thread computes what never depends on timing. `body` must not throw and must not
// touch what another i writes.
template <class Body>
void parallel_for(std::int64_t count, const Body& body) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

// The same with chunks handed out as threads become free, for bodies of uneven cost.
template <class Body>
void parallel_for_dynamic(std::int64_t count, const Body& body) {
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

inline int thread_count() {
  return omp_get_max_threads();
}

}  // namespace obscura
