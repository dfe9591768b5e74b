// Prompts that change while sampling: [a:b:0.5], [b:8], [a::8] and [a|b].
#pragma once

#include <string>
#include <string_view>

namespace obscura::prompt {

// The prompt at one step (from 0), its editing and alternation resolved.
std::string prompt_at_step(std::string_view text, int step, int steps);

}  // namespace obscura::prompt
