// The text "parameters" by which AUTOMATIC1111's web UI, and all that learned from it, tell how a
// image was made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "graph/workflow.h"

namespace obscura::workflows {

struct InfotextFacts {
  std::int64_t width = 0, height = 0;
  std::uint64_t seed = 0;
  std::string model_sha256;  // empty: not said
  std::string version;
};

// Prompt, negative prompt and a line of parameters of the sampling node nearest above node `id`;
// empty if there is none. What reaches a prompt over a link is not known and left out.
std::string infotext(const graph::Workflow& workflow, std::string_view id,
                     const InfotextFacts& facts);

}  // namespace obscura::workflows
