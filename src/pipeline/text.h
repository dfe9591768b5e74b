// From a prompt to conditioning, by ComfyUI's rules: weights, chunks of 77 tokens, both of SDXL's
// encoders side by side.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/conditioning.h"
#include "pipeline/model.h"
#include "runtime/session.h"

namespace obscura::pipeline {

struct EncodedText {
  Condition condition;
  std::vector<std::string> warnings;  // embeddings that were not found
};

// One text for both encoders, or one for each. The shorter is filled up with empty chunks.
Result<EncodedText> encode_text(runtime::Session& session, const TextEncoders& encoders,
                                std::string_view text_l, std::string_view text_g,
                                const CancelToken& cancel);

}  // namespace obscura::pipeline
