// The Unicode that tokenising rests on: what Python's str and the `regex` module do to a prompt, on
// code points. Properties are libutf8proc's (Unicode 15.0 in Debian 12; the reference ran on 14.0).
#pragma once

#include <string>
#include <string_view>

namespace obscura::models::clip {

// Bytes that are not UTF-8 become U+FFFD, one for each maximal ill-formed part, as the Encoding
// Standard and Python's errors="replace" have it. So the outcome holds no surrogate and nothing
// above U+10FFFF.
std::u32string decode_utf8(std::string_view text);

// REQUIRES: `text` holds Unicode scalar values only.
std::string encode_utf8(std::u32string_view text);

bool is_letter(char32_t c);       // \p{L}
bool is_number(char32_t c);       // \p{N}
bool is_white_space(char32_t c);  // \s of the regex module: the property White_Space

// What str.strip() and str.split() take for space: White_Space and U+001C…U+001F.
bool is_strippable(char32_t c);

std::u32string_view strip(std::u32string_view text);

// str.lower(): full mappings, and a capital sigma at the end of a word becomes a final sigma.
std::u32string lower_case(std::u32string_view text);

// html.unescape(): the character references of HTML 5, decimal, hexadecimal and named.
std::u32string unescape_html(std::u32string_view text);

}  // namespace obscura::models::clip
