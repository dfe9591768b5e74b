// ComfyUI's prompt-weight syntax: from one prompt to stretches of text with a weight each.
//
//   (text)      weighs 1.1 times what is around it, nested ones multiply
//   (text:1.3)  weighs 1.3, whatever is around it; the number is read as Python's float() reads it
//   \( \)       parentheses that are text
//
// Nothing else has a meaning: brackets, braces, BREAK and <lora:…> are text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::models::clip {

struct PromptSegment {
  std::string text;  // UTF-8, never empty
  double weight =
      1.0;  // may be zero, negative, infinite or not a number: "(a:nan)" is valid syntax
};

inline constexpr int kMaxPromptNesting = 200;

// `prompt` is UTF-8 (what is not counts as U+FFFD). Unbalanced parentheses are text.
// Errors: kInvalidInput for groups nested deeper than kMaxPromptNesting (1.1^200 is 190 million).
Result<std::vector<PromptSegment>> parse_prompt_weights(std::string_view prompt);

}  // namespace obscura::models::clip
