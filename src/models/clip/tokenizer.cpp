#include "models/clip/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "models/clip/tokenizer_text.h"

// Defined by obscura_embed (cmake/Embed.cmake): models/clip/merges.txt.
extern "C" const char obscura_clip_merges_begin[];
extern "C" const char obscura_clip_merges_end[];

namespace obscura::models::clip {
namespace {

constexpr std::u32string_view kStartText = U"<|startoftext|>";
constexpr std::u32string_view kEndText = U"<|endoftext|>";
constexpr std::u32string_view kLiterals[] = {kStartText, kEndText, U"'s",  U"'t", U"'re",
                                             U"'ve",     U"'m",    U"'ll", U"'d"};

std::u32string collapse_white_space(std::u32string_view text) {
  std::u32string collapsed;
  collapsed.reserve(text.size());
  bool in_space = false;
  for (char32_t c : text) {
    bool space = is_white_space(c);
    if (!space) {
      collapsed += c;
    } else if (!in_space) {
      collapsed += U' ';
    }
    in_space = space;
  }
  return collapsed;
}

std::u32string clean(std::string_view text) {
  std::u32string unescaped = unescape_html(unescape_html(decode_utf8(text)));
  return lower_case(strip(collapse_white_space(strip(unescaped))));
}

// Whether lower-case `text` starts with `literal`, case ignored: the long s then counts as an s.
bool starts_with_ignoring_case(std::u32string_view text, std::u32string_view literal) {
  constexpr char32_t kLongS = 0x17F;
  return text.size() >= literal.size() && std::equal(literal.begin(), literal.end(), text.begin(),
                                                     [](char32_t wanted, char32_t found) {
                                                       return found == wanted ||
                                                              (wanted == U's' && found == kLongS);
                                                     });
}

// U+0345 is a combining mark whose capital is the letter iota. Once case is ignored it is in no
// class, and vanishes like a space.
bool is_between_words(char32_t c) {
  return is_white_space(c) || c == 0x345;
}

bool is_other(char32_t c) {
  return !is_between_words(c) && !is_letter(c) && !is_number(c);
}

template <class Predicate>
size_t run_length(std::u32string_view text, Predicate belongs) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), belongs) - text.begin());
}

// The length of the word at the start of `text`, which starts with one.
size_t word_length(std::u32string_view text) {
  for (std::u32string_view literal : kLiterals) {
    if (starts_with_ignoring_case(text, literal)) return literal.size();
  }
  if (is_letter(text[0])) return run_length(text, is_letter);
  if (is_number(text[0])) return 1;
  return run_length(text, is_other);
}

}  // namespace

const Tokenizer& Tokenizer::embedded() {
  static const Tokenizer tokenizer =
      from_merges(std::string_view(obscura_clip_merges_begin, obscura_clip_merges_end)).value();
  return tokenizer;
}

Result<Tokenizer> Tokenizer::from_merges(std::string_view merges) {
  OBSCURA_ASSIGN(BytePairEncoder encoder, BytePairEncoder::from_merges(merges));
  if (encoder.token_count() != kStartToken) {
    return Error(ErrorKind::kCorrupt, fmt::format("[clip merges] wanted {} tokens, got {}",
                                                  kStartToken, encoder.token_count()));
  }
  return Tokenizer(std::move(encoder));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  std::u32string cleaned = clean(text);
  std::u32string_view rest = cleaned;
  while (!rest.empty()) {
    if (is_between_words(rest[0])) {
      rest.remove_prefix(1);
      continue;
    }
    std::u32string_view word = rest.substr(0, word_length(rest));
    rest.remove_prefix(word.size());
    if (word == kStartText) {
      ids.push_back(kStartToken);
    } else if (word == kEndText) {
      ids.push_back(kEndToken);
    } else {
      encoder_.encode_word(encode_utf8(word), &ids);
    }
  }
  return ids;
}

}  // namespace obscura::models::clip
