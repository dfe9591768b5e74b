#include "diffusion/attention_guidance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/check.h"
#include "base/parallel.h"

namespace obscura::diffusion {
namespace {

// Adds what one head's keys get from all queries; `q` and `k` point to its part of the first token.
void add_received(const float* q, const float* k, std::int64_t tokens, std::int64_t stride,
                  std::int64_t size, double* received) {
  // Keys side by side, so that a query meets many of them at once.
  std::vector<float> columns(static_cast<std::size_t>(size * tokens));
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t d = 0; d < size; ++d) columns[d * tokens + t] = k[t * stride + d];

  const float scale = 1 / std::sqrt(static_cast<float>(size));
  std::vector<float> scores(static_cast<std::size_t>(tokens));
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::fill(scores.begin(), scores.end(), 0.0f);
    for (std::int64_t d = 0; d < size; ++d) {
      const float factor = q[t * stride + d] * scale;
      const float* column = &columns[d * tokens];
      for (std::int64_t s = 0; s < tokens; ++s) scores[s] += factor * column[s];
    }
    const float largest = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (float& score : scores) sum += score = std::exp(score - largest);
    for (std::int64_t s = 0; s < tokens; ++s) received[s] += scores[s] / sum;
  }
}

constexpr std::int64_t kReach = 4;  // pixels to each side

std::array<double, 2 * kReach + 1> gaussian(double sigma) {
  std::array<double, 2 * kReach + 1> weights{};
  double sum = 0;
  for (std::int64_t i = -kReach; i <= kReach; ++i) {
    const double x = static_cast<double>(i) / sigma;
    sum += weights[i + kReach] = std::exp(-0.5 * x * x);
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// The image goes on behind its edges as in a mirror.
std::int64_t mirrored(std::int64_t i, std::int64_t length) {
  i = std::abs(i);
  return i < length ? i : 2 * (length - 1) - i;
}

// Along lines of `length` pixels that are `stride` apart.
void blur_line(const double* from, double* to, std::int64_t length, std::int64_t stride,
               const std::array<double, 2 * kReach + 1>& weights) {
  for (std::int64_t i = 0; i < length; ++i) {
    double sum = 0;
    for (std::int64_t k = -kReach; k <= kReach; ++k)
      sum += weights[k + kReach] * from[mirrored(i + k, length) * stride];
    to[i * stride] = sum;
  }
}

// The sides of `tokens` pixels that come nearest to the image's ratio.
std::int64_t rows_of_tokens(std::int64_t tokens, std::int64_t height, std::int64_t width) {
  const double wanted = std::sqrt(static_cast<double>(tokens) * static_cast<double>(height) /
                                  static_cast<double>(width));
  std::int64_t best = 1;
  for (std::int64_t rows = 1; rows <= tokens; ++rows) {
    if (tokens % rows == 0 && std::fabs(static_cast<double>(rows) - wanted) <
                                  std::fabs(static_cast<double>(best) - wanted))
      best = rows;
  }
  return best;
}

}  // namespace

Tensor attention_received(const Tensor& queries, const Tensor& keys, int heads) {
  const std::int64_t tokens = queries.shape()[1], width = queries.shape()[2], size = width / heads;
  OBSCURA_CHECK(queries.shape() == keys.shape() && size * heads == width,
                "[attention_received] queries and keys of one shape that divides into heads");
  Tensor result(Shape{queries.shape()[0], tokens});
  for (std::int64_t b = 0; b < queries.shape()[0]; ++b) {
    // A head has sums of its own, so that the order of the threads changes no bit.
    std::vector<std::vector<double>> received(static_cast<std::size_t>(heads),
                                              std::vector<double>(tokens));
    parallel_for(heads, [&](std::int64_t head) {
      const std::int64_t first = b * tokens * width + head * size;
      add_received(queries.data() + first, keys.data() + first, tokens, width, size,
                   received[head].data());
    });
    for (std::int64_t t = 0; t < tokens; ++t) {
      double sum = 0;
      for (const std::vector<double>& one : received) sum += one[t];
      result.data()[b * tokens + t] = static_cast<float>(sum / heads);
    }
  }
  return result;
}

Tensor blurred_where_attended(const Tensor& x0, const Tensor& received, double sigma) {
  const Shape& s = x0.shape();
  const std::int64_t h = s[2], w = s[3], tokens = received.shape()[1];
  OBSCURA_CHECK(h > kReach && w > kReach && received.shape()[0] == s[0],
                "[blurred_where_attended] a larger image, and tokens of each image");
  if (sigma <= 0) return x0;
  const auto weights = gaussian(sigma);
  const std::int64_t rows = rows_of_tokens(tokens, h, w), columns = tokens / rows;
  Tensor result(s);
  parallel_for(s[0] * s[1], [&](std::int64_t plane) {
    const float* from = x0.data() + plane * h * w;
    std::vector<double> along(from, from + h * w), blurred(along.size());
    for (std::int64_t y = 0; y < h; ++y) blur_line(&along[y * w], &blurred[y * w], w, 1, weights);
    for (std::int64_t x = 0; x < w; ++x) blur_line(&blurred[x], &along[x], h, w, weights);
    const float* attention = received.data() + plane / s[1] * tokens;
    for (std::int64_t i = 0; i < h * w; ++i) {
      const std::int64_t token = i / w * rows / h * columns + i % w * columns / w;
      result.data()[plane * h * w + i] =
          attention[token] > 1 ? static_cast<float>(along[i]) : from[i];
    }
  });
  return result;
}

}  // namespace obscura::diffusion
