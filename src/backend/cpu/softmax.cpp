#include "backend/cpu/softmax.h"

#include <algorithm>
#include <limits>

#include "backend/cpu/vector_math.h"

namespace obscura::backend::cpu {
namespace {

OBSCURA_FOR_EACH_CPU float largest(const float* x, std::int64_t count) {
  constexpr int kLanes = 16;
  float lanes[kLanes];
  for (float& lane : lanes) lane = -std::numeric_limits<float>::infinity();
  std::int64_t whole = count / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane)
      lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  }
  float result = lanes[0];
  for (float lane : lanes) result = std::max(result, lane);
  for (std::int64_t i = whole; i < count; ++i) result = std::max(result, x[i]);
  return result;
}

// x = e^(scale * (x - most)); returns the sum.
OBSCURA_FOR_EACH_CPU float exponentials(float* x, std::int64_t count, float scale, float most) {
  constexpr int kLanes = 16;
  float lanes[kLanes] = {};
  std::int64_t whole = count / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      float e = fast_exp(scale * (x[i + lane] - most));
      x[i + lane] = e;
      lanes[lane] += e;
    }
  }
  float sum = 0;
  for (float lane : lanes) sum += lane;
  for (std::int64_t i = whole; i < count; ++i) sum += x[i] = fast_exp(scale * (x[i] - most));
  return sum;
}

}  // namespace

float softmax_numerators(float* x, std::int64_t count, float scale) {
  return exponentials(x, count, scale, largest(x, count));
}

}  // namespace obscura::backend::cpu
