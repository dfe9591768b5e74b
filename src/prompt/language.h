// AUTOMATIC1111's prompt language, from text to what is to be encoded when.
//
//   (a) [a] (a:1.3)     weights: times 1.1, divided by 1.1, times 1.3; nested ones multiply
//   [a:b:0.5] [a:b:8]   a for half of the steps, or for eight, then b; [b:8] begins, [a::8] ends
//   [a|b]               a and b in turn, a step each
//   a AND b :0.7        two prompts, each with a weight in the guidance
//   a BREAK b           b begins a new chunk of 77 tokens
//   <lora:name:0.8>     a LoRA; <lora:name:te=0.5:unet=1> with strengths of their own
//
// A backslash makes a bracket text. Unbalanced brackets are text, or weigh to the end, as in
// AUTOMATIC1111 1.10. Plain functions; thread safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "prompt/lora_tags.h"
#include "prompt/weights.h"

namespace obscura::prompt {

// What one stretch of steps shows: pieces that BREAK keeps apart.
struct PromptStretch {
  int first_step = 0, end_step = 0;  // from 0; the end is not part of it
  std::string text;                  // with editing and alternation resolved
  std::vector<std::vector<WeightedText>> pieces;
};

// One of the prompts that AND combines.
struct Subprompt {
  double weight = 1;
  std::vector<PromptStretch> stretches;  // cover all steps, in order
};

struct ParsedPrompt {
  std::vector<Subprompt> subprompts;  // at least one
  std::vector<LoraTag> loras;
};

// REQUIRES: steps >= 1.
ParsedPrompt parse_prompt(std::string_view text, int steps);

}  // namespace obscura::prompt
