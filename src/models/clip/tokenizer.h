// CLIP's tokenizer: the ids that openai/CLIP's SimpleTokenizer gives, for both of SDXL's text
// encoders.
//
// The text's HTML references are resolved (twice, as there), its white space collapsed, its letters
// lowered; it is cut into runs of letters, single numbers, runs of other signs and English
// contractions; each is byte-pair encoded. Differences from openai/CLIP: its first step, ftfy's
// mending of text that was decoded wrongly ("cafÃ©"), is left out, and bytes that are no UTF-8
// count as U+FFFD, where Python would have refused them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/clip/bpe.h"

namespace obscura::models::clip {

inline constexpr int32_t kStartToken = 49406;  // <|startoftext|>
inline constexpr int32_t kEndToken = 49407;    // <|endoftext|>, with which CLIP-L pads as well
inline constexpr int32_t kVocabularySize = 49408;
inline constexpr int kContextLength = 77;  // start, 75 tokens, end

// Thread safety: immutable; one serves all.
class Tokenizer {
 public:
  // The tokenizer with the vocabulary that the program carries; its tables are made at the first
  // call, in a few milliseconds.
  static const Tokenizer& embedded();

  // Errors: kCorrupt where `merges` (see BytePairEncoder) are damaged or do not make up
  // kVocabularySize tokens.
  static Result<Tokenizer> from_merges(std::string_view merges);

  // The ids of `text` (UTF-8), without start and end. In the text, "<|startoftext|>" and
  // "<|endoftext|>" stand for their tokens.
  std::vector<int32_t> encode(std::string_view text) const;

 private:
  explicit Tokenizer(BytePairEncoder encoder) : encoder_(std::move(encoder)) {}

  BytePairEncoder encoder_;
};

}  // namespace obscura::models::clip
