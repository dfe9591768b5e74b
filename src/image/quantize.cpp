#include "image/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/parallel.h"
#include "base/result.h"
#include "io/samples.h"
#include "tensor/resize.h"
#include "tensor/tensor.h"

namespace obscura::image {
namespace {

using Rgb8 = std::array<std::uint8_t, 3>;

struct CountedColour {
  Rgb8 colour;
  std::int64_t count;
};

// A part of the colours, in a box of the cube (Heckbert, "Color Image Quantization for Frame Buffer
// Display", 1982).
struct ColourBox {
  std::vector<CountedColour> colours;

  std::int64_t count() const {
    return std::accumulate(
        colours.begin(), colours.end(), std::int64_t{0},
        [](std::int64_t sum, const CountedColour& entry) { return sum + entry.count; });
  }
  std::pair<std::size_t, int> longest_side() const {
    std::pair<std::size_t, int> longest{0, -1};
    for (std::size_t c = 0; c < 3; ++c) {
      const auto [low, high] = std::minmax_element(
          colours.begin(), colours.end(), [c](const CountedColour& a, const CountedColour& b) {
            return a.colour[c] < b.colour[c];
          });
      const int length = high->colour[c] - low->colour[c];
      if (length > longest.second) longest = {c, length};
    }
    return longest;
  }
  // Half of the pixels go into the new box. REQUIRES: two colours at least.
  ColourBox split() {
    const std::size_t side = longest_side().first;
    std::stable_sort(colours.begin(), colours.end(),
                     [side](const CountedColour& a, const CountedColour& b) {
                       return a.colour[side] < b.colour[side];
                     });
    const std::int64_t half = count() / 2;
    std::int64_t passed = colours[0].count;
    std::size_t cut = 1;
    while (cut + 1 < colours.size() && passed < half) passed += colours[cut++].count;
    ColourBox upper{{colours.begin() + static_cast<std::ptrdiff_t>(cut), colours.end()}};
    colours.resize(cut);
    return upper;
  }
  Rgb8 mean() const {
    std::array<std::int64_t, 3> sums{};
    for (const CountedColour& entry : colours)
      for (std::size_t c = 0; c < 3; ++c) sums[c] += entry.colour[c] * entry.count;
    const std::int64_t all = count();
    Rgb8 colour{};
    for (std::size_t c = 0; c < 3; ++c)
      colour[c] = static_cast<std::uint8_t>((sums[c] + all / 2) / all);
    return colour;
  }
};

std::vector<Rgb8> palette_of(const std::vector<Rgb8>& pixels, std::size_t most) {
  std::map<Rgb8, std::int64_t> counts;
  for (const Rgb8& pixel : pixels) ++counts[pixel];
  ColourBox all;
  for (const auto& [colour, count] : counts) all.colours.push_back({colour, count});
  std::vector<ColourBox> boxes = {std::move(all)};
  // The box in which most pixels lie far apart is split next.
  auto need = [](const ColourBox& box) {
    return box.colours.size() < 2 ? 0 : box.count() * box.longest_side().second;
  };
  while (boxes.size() < most) {
    auto widest =
        std::max_element(boxes.begin(), boxes.end(),
                         [&](const ColourBox& a, const ColourBox& b) { return need(a) < need(b); });
    if (need(*widest) == 0) break;
    ColourBox upper = widest->split();
    boxes.push_back(std::move(upper));
  }
  std::vector<Rgb8> palette;
  for (const ColourBox& box : boxes) palette.push_back(box.mean());
  return palette;
}

using Wide = std::array<float, 3>;

const Rgb8& nearest(const std::vector<Rgb8>& palette, const Wide& wanted) {
  const Rgb8* best = &palette[0];
  float least = INFINITY;
  for (const Rgb8& colour : palette) {
    float distance = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const float apart = wanted[c] - static_cast<float>(colour[c]);
      distance += apart * apart;
    }
    if (distance < least) {
      least = distance;
      best = &colour;
    }
  }
  return *best;
}

// The thresholds of ordered dithering, of mean 0: order 2 is 1/8 of (-3 1; 3 -1), and each next one
// is made of four of the last.
std::vector<float> bayer_matrix(std::size_t order) {
  std::vector<float> matrix = {0};
  for (std::size_t side = 1; side < order; side *= 2) {
    std::vector<float> larger(matrix.size() * 4);
    const auto scale = static_cast<float>(4 * side * side);
    for (std::size_t y = 0; y < 2 * side; ++y) {
      for (std::size_t x = 0; x < 2 * side; ++x) {
        constexpr float kOffsets[2][2] = {{-1.5f, 0.5f}, {1.5f, -0.5f}};
        const float inner = matrix[y % side * side + x % side];
        larger[y * 2 * side + x] = inner + kOffsets[y / side][x / side] / scale;
      }
    }
    matrix = std::move(larger);
  }
  return matrix;
}

Wide widened(const Rgb8& pixel) {
  return {static_cast<float>(pixel[0]), static_cast<float>(pixel[1]), static_cast<float>(pixel[2])};
}

void dither_by_order(std::vector<Rgb8>& pixels, std::int64_t width,
                     const std::vector<Rgb8>& palette, int order) {
  const std::vector<float> matrix = bayer_matrix(static_cast<std::size_t>(order));
  const float spread = 512.0f / static_cast<float>(palette.size());
  parallel_for(static_cast<std::int64_t>(pixels.size()), [&](std::int64_t i) {
    const std::int64_t y = i / width % order, x = i % width % order;
    const float shift =
        order == 1 ? 0 : spread * matrix[static_cast<std::size_t>(y * order + x)] + 0.5f;
    Rgb8& pixel = pixels[static_cast<std::size_t>(i)];
    Wide wanted = widened(pixel);
    for (float& value : wanted) value = std::floor(std::clamp(value + shift, 0.0f, 255.0f));
    pixel = nearest(palette, wanted);
  });
}

// Floyd and Steinberg, "An adaptive algorithm for spatial grey scale", 1976.
void dither_by_error(std::vector<Rgb8>& pixels, std::int64_t width,
                     const std::vector<Rgb8>& palette) {
  const auto columns = static_cast<std::size_t>(width);
  // Errors for this row and the next, with a column more at each side.
  std::vector<Wide> here(columns + 2, Wide{}), below(columns + 2, Wide{});
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t x = i % columns + 1;
    if (x == 1 && i > 0) {
      std::swap(here, below);
      std::fill(below.begin(), below.end(), Wide{});
    }
    Wide wanted = widened(pixels[i]);
    for (std::size_t c = 0; c < 3; ++c)
      wanted[c] = std::clamp(wanted[c] + here[x][c], 0.0f, 255.0f);
    pixels[i] = nearest(palette, wanted);
    for (std::size_t c = 0; c < 3; ++c) {
      const float error = (wanted[c] - static_cast<float>(pixels[i][c])) / 16;
      here[x + 1][c] += error * 7;
      below[x - 1][c] += error * 3;
      below[x][c] += error * 5;
      below[x + 1][c] += error;
    }
  }
}

std::vector<Rgb8> samples_of(const Tensor& images, std::int64_t index) {
  const Shape& s = images.shape();
  const float* pixel = images.data() + index * s[1] * s[2] * s[3];
  std::vector<Rgb8> samples(static_cast<std::size_t>(s[1] * s[2]));
  for (Rgb8& sample : samples) {
    for (std::size_t c = 0; c < 3; ++c)
      sample[c] = static_cast<std::uint8_t>(io::quantised(pixel[c], 255));
    pixel += s[3];
  }
  return samples;
}

}  // namespace

Result<Tensor> quantized(const Tensor& images, std::size_t colours, const Dither& dither,
                         const CancelToken& cancel) {
  const Shape& s = images.shape();
  Tensor few(Shape{s[0], s[1], s[2], 3});
  float* out = few.data();
  for (std::int64_t b = 0; b < s[0]; ++b) {
    OBSCURA_TRY(cancel.check());
    std::vector<Rgb8> pixels = samples_of(images, b);
    const std::vector<Rgb8> palette = palette_of(pixels, colours);
    if (dither.by_error)
      dither_by_error(pixels, s[2], palette);
    else
      dither_by_order(pixels, s[2], palette, dither.order);
    for (const Rgb8& pixel : pixels)
      for (std::uint8_t sample : pixel) *out++ = static_cast<float>(sample) / 255;
  }
  return few;
}

}  // namespace obscura::image
