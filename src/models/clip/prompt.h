// From a prompt to what a CLIP text encoder reads: chunks of 77 tokens with weights, by ComfyUI's
// rules.
//
// The prompt is split by weight (prompt_weights.h), then at each "embedding:name" that starts a
// segment or follows a space or a newline. Each piece of text and each embedding is one group. A
// group of eight tokens or more is cut where a chunk is full; a shorter one that no longer fits
// moves to the next chunk whole, and the current one is padded.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/clip/tokenizer.h"

namespace obscura::models::clip {

// A textual-inversion embedding, as far as a prompt needs to know it.
struct EmbeddingShape {
  int32_t rows = 0;   // it takes the place of this many tokens
  int32_t width = 0;  // channels a row
};

// The embedding of that name, or none. Names are as written: no extension, "/" between folders.
using EmbeddingLookup = std::function<std::optional<EmbeddingShape>(std::string_view name)>;

struct PromptOptions {
  int32_t pad_token = kEndToken;  // CLIP-L; OpenCLIP-G pads with 0
  // Null: there is no embeddings folder, and "embedding:name" is text.
  EmbeddingLookup embeddings = nullptr;
  int32_t embedding_width = 0;  // the text encoder's width; embeddings of another one are ignored
};

// One position in a chunk: a token of the vocabulary, or a row of an embedding.
struct PromptToken {
  int32_t id = 0;       // kEmbeddingRow where the row stands instead
  double weight = 1.0;  // 1 for start, end and padding
  int32_t group = 0;  // ComfyUI's word id: the group's number from 1; 0 for start, end and padding
  int32_t embedding = -1;  // index into PromptTokens::embeddings, or -1
  int32_t row = 0;

  bool is_embedding_row() const { return embedding >= 0; }
};

inline constexpr int32_t kEmbeddingRow = -1;

using PromptChunk = std::vector<PromptToken>;  // always kContextLength long

struct PromptTokens {
  std::vector<PromptChunk> chunks;      // at least one
  std::vector<std::string> embeddings;  // the names in use, each once, in the order of the prompt
  std::vector<std::string> warnings;    // embeddings that were ignored, and why

  // Whether any weight differs from 1, so that the encoder has to blend with an empty prompt.
  bool is_weighted() const;
};

// Errors: those of parse_prompt_weights.
// Differences from ComfyUI: an embedding of the wrong width is left out before the text is cut into
// chunks, not after; and "embedding:" without a name is ignored with a warning, where ComfyUI ends
// with an exception.
Result<PromptTokens> tokenize_prompt(const Tokenizer& tokenizer, std::string_view prompt,
                                     const PromptOptions& options = {});

}  // namespace obscura::models::clip
