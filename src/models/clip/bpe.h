// Byte-pair encoding as CLIP's vocabulary has it (Sennrich et al. 2016; the byte alphabet is
// GPT-2's).
//
// Token ids: 0…255 the bytes, in GPT-2's order (printable ones first); 256…511 the same bytes at
// the end of a word
// ("</w>"); then one id a merge, in the order of the merges. Earlier merges go first.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::models::clip {

// Thread safety: immutable once made.
class BytePairEncoder {
 public:
  // `merges` is text as OpenAI's: an optional line that starts with "#version", then one merge a
  // line, two tokens between which there is one space, each a byte, a byte with "</w>" or the
  // outcome of an earlier merge. Errors: kCorrupt, with the number of the line, for anything else,
  // and for a token made twice.
  static Result<BytePairEncoder> from_merges(std::string_view merges);

  // Appends the ids of one word, given as its UTF-8 bytes; any bytes will do. The time is n log n
  // in their number.
  void encode_word(std::string_view word, std::vector<int32_t>* ids) const;

  // The number of ids: 512 and the merges.
  int32_t token_count() const { return token_count_; }

 private:
  struct Merge {
    uint32_t pair = kNoPair;  // left id << 16 | right id
    int32_t result = 0;
  };
  static constexpr uint32_t kNoPair = ~uint32_t{0};

  BytePairEncoder() : merges_(size_t{1} << kMergeTableBits) {}
  size_t slot_of(uint32_t pair) const;
  int32_t find_merge(int32_t left, int32_t right) const;  // -1: none

  // An open-addressing table, at most half full: 48,894 merges are in place in about a millisecond.
  static constexpr int kMergeTableBits = 17;
  std::vector<Merge> merges_;
  int32_t token_count_ = 0;
};

}  // namespace obscura::models::clip
