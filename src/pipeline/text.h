// From a prompt to conditioning, by ComfyUI's rules: weights, chunks of 77 tokens, the states of
// all the family's encoders side by side.
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

// `text_l` is for CLIP-L, `text_g` for OpenCLIP's bigG or ViT-H; a family with one encoder reads
// its own text only. The shorter of two is filled up with empty chunks.
Result<EncodedText> encode_text(runtime::Session& session, const TextEncoders& encoders,
                                std::string_view text_l, std::string_view text_g,
                                const CancelToken& cancel);

}  // namespace obscura::pipeline
