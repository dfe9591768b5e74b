#include "prompt/language.h"

#include <string>
#include <string_view>
#include <utility>

#include "prompt/editing.h"
#include "prompt/scan.h"

namespace obscura::prompt {
namespace {

// "text :0.7" at the end of a subprompt.
Subprompt with_weight(std::string_view& text) {
  Subprompt subprompt;
  const auto colons = outer_places(text, ':');
  if (colons.empty()) return subprompt;
  if (const auto weight = number_in(text.substr(colons.back() + 1))) {
    subprompt.weight = *weight;
    text = text.substr(0, colons.back());
  }
  return subprompt;
}

}  // namespace

ParsedPrompt parse_prompt(std::string_view text, int steps) {
  ParsedPrompt parsed;
  const std::string plain = without_tags(text, parsed.loras);
  for (std::string_view part : split_at_word(plain, "AND")) {
    Subprompt subprompt = with_weight(part);
    for (int step = 0; step < steps; ++step) {
      std::string now = prompt_at_step(part, step, steps);
      if (!subprompt.stretches.empty() && subprompt.stretches.back().text == now) {
        subprompt.stretches.back().end_step = step + 1;
        continue;
      }
      PromptStretch stretch{step, step + 1, now, parse_weights(now)};
      subprompt.stretches.push_back(std::move(stretch));
    }
    parsed.subprompts.push_back(std::move(subprompt));
  }
  return parsed;
}

}  // namespace obscura::prompt
