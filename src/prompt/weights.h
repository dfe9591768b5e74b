// Weights in prompts: (a), [a] and (a:1.3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obscura::prompt {

// Text of one weight within a chunk.
struct WeightedText {
  std::string text;
  double weight = 1;
  bool operator==(const WeightedText&) const = default;
};

// Pieces that BREAK keeps apart, each in parts of one weight.
std::vector<std::vector<WeightedText>> parse_weights(std::string_view text);

// A piece as one text of ComfyUI's syntax, in which weights are absolute.
std::string as_comfyui(const std::vector<WeightedText>& piece);

}  // namespace obscura::prompt
