#include "models/clip/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <string>
#include <tuple>

namespace obscura::models::clip {
namespace {

constexpr int32_t kByteTokens = 512;     // 256 bytes, inside a word and at its end
constexpr int32_t kMaxTokens = 1 << 16;  // a pair of ids is one 32-bit key
constexpr std::string_view kEndOfWord = "</w>";

bool is_printable_byte(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// GPT-2's order: the bytes that are printable in Latin-1, then the others.
std::array<int32_t, 256> make_byte_ids() {
  std::array<int32_t, 256> ids{};
  int32_t next = 0;
  for (bool printable : {true, false}) {
    for (int byte = 0; byte < 256; ++byte) {
      if (is_printable_byte(byte) == printable) ids[byte] = next++;
    }
  }
  return ids;
}

const std::array<int32_t, 256>& byte_ids() {
  static const std::array<int32_t, 256> ids = make_byte_ids();
  return ids;
}

// How the merges spell a byte: as the code point of its value, or, where that is not printable,
// from U+0100 on.
std::string byte_spelling(int byte) {
  constexpr int32_t kPrintableBytes = 188;
  int code_point = is_printable_byte(byte) ? byte : 256 + byte_ids()[byte] - kPrintableBytes;
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xC0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3F))};
}

// From the spelling of a token to its id, while the merges are read.
class TokenNames {
 public:
  explicit TokenNames(size_t text_size) : slots_(size_t{1} << kBits, -1) {
    text_.reserve(text_size);
    tokens_.reserve(kMaxTokens);
    for (std::string_view end : {std::string_view(), kEndOfWord}) {
      std::array<std::string, 256> spellings;
      for (int byte = 0; byte < 256; ++byte) spellings[byte_ids()[byte]] = byte_spelling(byte);
      for (const std::string& spelling : spellings) add(spelling, end);
    }
  }

  int32_t find(std::string_view name) const { return slots_[slot_of(name)]; }

  // Gives the next id to `first` followed by `second`; false if that name has one already.
  bool add(std::string_view first, std::string_view second) {
    size_t start = text_.size();
    text_.append(first).append(second);
    std::string_view name = std::string_view(text_).substr(start);
    size_t slot = slot_of(name);
    if (slots_[slot] != -1) return false;
    slots_[slot] = static_cast<int32_t>(tokens_.size());
    tokens_.push_back({static_cast<uint32_t>(start), static_cast<uint32_t>(name.size())});
    return true;
  }

  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

 private:
  static constexpr int kBits = 17;

  size_t slot_of(std::string_view name) const {
    size_t slot = std::hash<std::string_view>()(name) >> (64 - kBits);
    while (slots_[slot] != -1 && name_of(slots_[slot]) != name) {
      slot = (slot + 1) & ((size_t{1} << kBits) - 1);
    }
    return slot;
  }

  std::string_view name_of(int32_t id) const {
    return std::string_view(text_).substr(tokens_[id].first, tokens_[id].second);
  }

  std::string text_;
  std::vector<std::pair<uint32_t, uint32_t>> tokens_;  // start and length in text_
  std::vector<int32_t> slots_;
};

Error bad_line(size_t line, const std::string& problem) {
  return Error(ErrorKind::kCorrupt, fmt::format("[clip merges] line {}: {}", line, problem));
}

uint32_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint32_t>(left) << 16 | static_cast<uint32_t>(right);
}

}  // namespace

Result<BytePairEncoder> BytePairEncoder::from_merges(std::string_view merges) {
  BytePairEncoder encoder;
  TokenNames names(merges.size() + 4096);
  size_t line_number = 0;
  while (!merges.empty()) {
    ++line_number;
    size_t end = std::min(merges.find('\n'), merges.size());
    std::string_view line = merges.substr(0, end);
    merges.remove_prefix(std::min(end + 1, merges.size()));
    if (line_number == 1 && line.starts_with("#version")) continue;

    size_t space = line.find(' ');
    if (space == std::string_view::npos) {
      return bad_line(line_number, fmt::format("wanted two tokens and a space, got \"{}\"", line));
    }
    std::string_view left = line.substr(0, space);
    std::string_view right = line.substr(space + 1);
    int32_t left_id = names.find(left);
    int32_t right_id = names.find(right);
    if (left_id < 0 || right_id < 0) {
      return bad_line(line_number, fmt::format("\"{}\" is no byte and made by no earlier merge",
                                               left_id < 0 ? left : right));
    }
    int32_t result = names.size();
    if (result == kMaxTokens) {
      return bad_line(line_number,
                      fmt::format("wanted at most {} merges, got more", kMaxTokens - kByteTokens));
    }
    if (!names.add(left, right)) {
      return bad_line(line_number, fmt::format("the token \"{}{}\" is made twice", left, right));
    }
    uint32_t pair = pair_key(left_id, right_id);
    encoder.merges_[encoder.slot_of(pair)] = {pair, result};
  }
  encoder.token_count_ = names.size();
  return encoder;
}

size_t BytePairEncoder::slot_of(uint32_t pair) const {
  size_t slot =
      (pair * uint32_t{2654435769}) >> (32 - kMergeTableBits);  // Knuth's multiplicative hash
  while (merges_[slot].pair != kNoPair && merges_[slot].pair != pair) {
    slot = (slot + 1) & (merges_.size() - 1);
  }
  return slot;
}

int32_t BytePairEncoder::find_merge(int32_t left, int32_t right) const {
  const Merge& merge = merges_[slot_of(pair_key(left, right))];
  return merge.pair == kNoPair ? -1 : merge.result;
}

// The symbols are a linked list, the possible merges a heap ordered by rank, then place. A merge's
// outcome takes part only in later merges, so this is the same as "replace every occurrence of the
// best pair, then look again".
void BytePairEncoder::encode_word(std::string_view word, std::vector<int32_t>* ids) const {
  if (word.empty()) return;
  struct Symbol {
    int32_t id, previous, next;
  };
  struct Candidate {
    int32_t result, place, left, right;
    bool operator>(const Candidate& other) const {
      return std::tie(result, place) > std::tie(other.result, other.place);
    }
  };
  int32_t size = static_cast<int32_t>(word.size());
  std::vector<Symbol> symbols(word.size());
  for (int32_t i = 0; i < size; ++i) {
    symbols[i] = {byte_ids()[static_cast<uint8_t>(word[i])], i - 1, i + 1 < size ? i + 1 : -1};
  }
  symbols.back().id += 256;

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  auto propose = [&](int32_t place) {
    if (place < 0 || symbols[place].next < 0) return;
    int32_t left = symbols[place].id;
    int32_t right = symbols[symbols[place].next].id;
    int32_t result = find_merge(left, right);
    if (result >= 0) candidates.push({result, place, left, right});
  };
  for (int32_t i = 0; i < size; ++i) propose(i);

  while (!candidates.empty()) {
    Candidate best = candidates.top();
    candidates.pop();
    Symbol& symbol = symbols[best.place];
    bool still_there =
        symbol.id == best.left && symbol.next >= 0 && symbols[symbol.next].id == best.right;
    if (!still_there) continue;
    symbols[symbol.next].id = -1;
    symbol.id = best.result;
    symbol.next = symbols[symbol.next].next;
    if (symbol.next >= 0) symbols[symbol.next].previous = best.place;
    propose(symbol.previous);
    propose(best.place);
  }
  for (int32_t i = 0; i >= 0; i = symbols[i].next) ids->push_back(symbols[i].id);
}

}  // namespace obscura::models::clip
