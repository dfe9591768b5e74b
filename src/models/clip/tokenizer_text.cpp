#include "models/clip/tokenizer_text.h"

#include <utf8proc.h>

namespace obscura::models::clip {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool between(char32_t c, char32_t first, char32_t last) {
  return c >= first && c <= last;
}

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// The property Cased, less the characters that are Case_Ignorable too, which are always skipped
// first.
bool is_cased(char32_t c) {
  utf8proc_category_t kind = category(c);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL ||
         kind == UTF8PROC_CATEGORY_LT || c == 0xAA || c == 0xBA || between(c, 0x2160, 0x217F) ||
         between(c, 0x24B6, 0x24E9) || between(c, 0x1F130, 0x1F149) ||
         between(c, 0x1F150, 0x1F169) || between(c, 0x1F170, 0x1F189);
}

// The property Case_Ignorable: five categories, and the punctuation that may stand inside a word
// (Word_Break is MidLetter, MidNumLet or Single_Quote).
bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view kInsideWords =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kInsideWords.find(c) != std::u32string_view::npos;
  }
}

// The Unicode Standard's condition Final_Sigma, at `text[place]`.
bool is_final(std::u32string_view text, size_t place) {
  size_t before = place;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = place + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

// Reads one code point at the start of `text` and removes it; a maximal ill-formed part counts as
// one U+FFFD.
char32_t take_code_point(std::string_view* text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>((*text)[i]); };
  uint8_t lead = byte(0);
  size_t length = lead < 0x80   ? 1
                  : lead < 0xC2 ? 0
                  : lead < 0xE0 ? 2
                  : lead < 0xF0 ? 3
                  : lead < 0xF5 ? 4
                                : 0;
  if (length < 2) {
    text->remove_prefix(1);
    return length == 1 ? lead : kReplacement;
  }
  // The second byte is where overlong forms, surrogates and values above U+10FFFF show.
  uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t value = lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if (i == text->size() || byte(i) < lowest || byte(i) > highest) {
      text->remove_prefix(i);
      return kReplacement;
    }
    value = value << 6 | (byte(i) & 0x3F);
    lowest = 0x80;
    highest = 0xBF;
  }
  text->remove_prefix(length);
  return value;
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string decoded;
  decoded.reserve(text.size());
  while (!text.empty()) decoded.push_back(take_code_point(&text));
  return decoded;
}

std::string encode_utf8(std::u32string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (char32_t c : text) {
    utf8proc_uint8_t bytes[4];
    auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes);
    encoded.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  return encoded;
}

bool is_letter(char32_t c) {
  utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t c) {
  utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_white_space(char32_t c) {
  return between(c, 0x09, 0x0D) || c == 0x85 || category(c) == UTF8PROC_CATEGORY_ZS ||
         category(c) == UTF8PROC_CATEGORY_ZL || category(c) == UTF8PROC_CATEGORY_ZP;
}

bool is_strippable(char32_t c) {
  return is_white_space(c) || between(c, 0x1C, 0x1F);
}

std::u32string_view strip(std::u32string_view text) {
  while (!text.empty() && is_strippable(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_strippable(text.back())) text.remove_suffix(1);
  return text;
}

std::u32string lower_case(std::u32string_view text) {
  constexpr char32_t kCapitalIWithDot = 0x130, kDotAbove = 0x307;
  constexpr char32_t kCapitalSigma = 0x3A3, kSigma = 0x3C3, kFinalSigma = 0x3C2;
  std::u32string lowered;
  lowered.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kCapitalIWithDot) {  // the one lower-case mapping to two code points
      lowered += {U'i', kDotAbove};
    } else if (text[i] == kCapitalSigma) {
      lowered += is_final(text, i) ? kFinalSigma : kSigma;
    } else {
      lowered += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(text[i])));
    }
  }
  return lowered;
}

}  // namespace obscura::models::clip
