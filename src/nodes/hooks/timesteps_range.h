#pragma once

namespace obscura::nodes {

// The socket TIMESTEPS_RANGE: parts of the sampling.
struct TimestepsRange {
  double start = 0, end = 1;
};

}  // namespace obscura::nodes
