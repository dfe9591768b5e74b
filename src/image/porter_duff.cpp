#include "image/porter_duff.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "image/mask.h"
#include "tensor/tensor.h"

namespace obscura::image {
namespace {

// A pixel of a layer, its colour already multiplied by its alpha.
struct Layer {
  float colour, alpha;
};

using Rule = Layer (*)(Layer source, Layer destination);

float united(Layer s, Layer d) {
  return s.alpha + d.alpha - s.alpha * d.alpha;
}

// What is seen of either where the other does not cover it.
float uncovered(Layer s, Layer d) {
  return (1 - d.alpha) * s.colour + (1 - s.alpha) * d.colour;
}

Rule rule_of(const std::string& mode) {
  using L = Layer;
  static const std::pair<std::string_view, Rule> kRules[] = {
      {"ADD",
       [](L s, L d) {
         return L{std::clamp(s.colour + d.colour, 0.0f, 1.0f),
                  std::clamp(s.alpha + d.alpha, 0.0f, 1.0f)};
       }},
      {"CLEAR",
       [](L, L) {
         return L{0, 0};
       }},
      {"DARKEN",
       [](L s, L d) {
         return L{uncovered(s, d) + std::min(s.colour, d.colour), united(s, d)};
       }},
      {"DST", [](L, L d) { return d; }},
      {"DST_ATOP",
       [](L s, L d) {
         return L{s.alpha * d.colour + (1 - d.alpha) * s.colour, s.alpha};
       }},
      {"DST_IN",
       [](L s, L d) {
         return L{d.colour * s.alpha, s.alpha * d.alpha};
       }},
      {"DST_OUT",
       [](L s, L d) {
         return L{(1 - s.alpha) * d.colour, (1 - s.alpha) * d.alpha};
       }},
      {"DST_OVER",
       [](L s, L d) {
         return L{d.colour + (1 - d.alpha) * s.colour, d.alpha + (1 - d.alpha) * s.alpha};
       }},
      {"LIGHTEN",
       [](L s, L d) {
         return L{uncovered(s, d) + std::max(s.colour, d.colour), united(s, d)};
       }},
      {"MULTIPLY",
       [](L s, L d) {
         return L{s.colour * d.colour, s.alpha * d.alpha};
       }},
      {"OVERLAY",
       [](L s, L d) {
         float colour = 2 * d.colour < d.alpha
                            ? 2 * s.colour * d.colour
                            : s.alpha * d.alpha - 2 * (d.alpha - s.colour) * (s.alpha - d.colour);
         return L{colour, united(s, d)};
       }},
      {"SCREEN",
       [](L s, L d) {
         return L{s.colour + d.colour - s.colour * d.colour, united(s, d)};
       }},
      {"SRC", [](L s, L) { return s; }},
      {"SRC_ATOP",
       [](L s, L d) {
         return L{d.alpha * s.colour + (1 - s.alpha) * d.colour, d.alpha};
       }},
      {"SRC_IN",
       [](L s, L d) {
         return L{s.colour * d.alpha, s.alpha * d.alpha};
       }},
      {"SRC_OUT",
       [](L s, L d) {
         return L{(1 - d.alpha) * s.colour, (1 - d.alpha) * s.alpha};
       }},
      {"SRC_OVER",
       [](L s, L d) {
         return L{s.colour + (1 - s.alpha) * d.colour, s.alpha + (1 - s.alpha) * d.alpha};
       }},
      {"XOR",
       [](L s, L d) {
         return L{uncovered(s, d), (1 - d.alpha) * s.alpha + (1 - s.alpha) * d.alpha};
       }},
  };
  for (const auto& [name, rule] : kRules)
    if (name == mode) return rule;
  return kRules[3].second;
}

}  // namespace

Layers porter_duff(const Layers& source, const Layers& destination, const std::string& mode) {
  const Shape& d = destination.pixels.shape();
  const Tensor &over = source.transparency, &under = destination.transparency;
  const std::int64_t count =
      std::min({source.pixels.shape()[0], d[0], over.shape()[0], under.shape()[0]});
  const Rule rule = rule_of(mode);
  Layers result{Tensor(Shape{count, d[1], d[2], d[3]}), Tensor(Shape{count, d[1], d[2]})};
  for (std::int64_t i = 0; i < result.pixels.elements(); ++i) {
    const std::int64_t pixel = i / d[3];
    const float a = 1 - over.data()[pixel], b = 1 - under.data()[pixel];
    Layer mixed = rule({source.pixels.data()[i] * a, a}, {destination.pixels.data()[i] * b, b});
    result.pixels.data()[i] =
        mixed.alpha > 1e-5f ? std::clamp(mixed.colour / mixed.alpha, 0.0f, 1.0f) : 0;
    result.transparency.data()[pixel] = 1 - mixed.alpha;
  }
  return result;
}

}  // namespace obscura::image
