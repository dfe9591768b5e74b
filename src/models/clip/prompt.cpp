#include "models/clip/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "models/clip/prompt_weights.h"
#include "models/clip/tokenizer_text.h"

namespace obscura::models::clip {
namespace {

constexpr std::string_view kEmbeddingPrefix = "embedding:";
constexpr size_t kLargeGroup = 8;  // from this many tokens on, a group may be cut between chunks

using Group = std::vector<PromptToken>;

// Cuts `text` before each "embedding:" that follows a space or a newline, which is dropped.
std::vector<std::string_view> split_at_embeddings(std::string_view text) {
  std::vector<std::string_view> pieces;
  auto add = [&](std::string_view piece) {
    if (!piece.empty()) pieces.push_back(piece);
  };
  size_t start = 0;
  for (size_t found = text.find(kEmbeddingPrefix, 1); found != std::string_view::npos;
       found = text.find(kEmbeddingPrefix, found + 1)) {
    bool separated = found > start && (text[found - 1] == ' ' || text[found - 1] == '\n');
    if (!separated) continue;
    add(text.substr(start, found - 1 - start));
    start = found;
  }
  add(text.substr(start));
  return pieces;
}

std::string_view strip_commas(std::string_view text) {
  while (text.starts_with(',')) text.remove_prefix(1);
  while (text.ends_with(',')) text.remove_suffix(1);
  return text;
}

struct NameAndRest {
  std::string name;
  std::string rest;
};

// The first word, and the others with one space between each two.
NameAndRest split_first_word(std::string_view text) {
  std::u32string decoded = decode_utf8(text);
  std::u32string_view left = strip(decoded);
  auto take_word = [&] {
    auto end = std::find_if(left.begin(), left.end(), is_strippable) - left.begin();
    std::u32string_view word = left.substr(0, static_cast<size_t>(end));
    left = strip(left.substr(word.size()));
    return encode_utf8(word);
  };
  NameAndRest split{take_word(), ""};
  while (!left.empty()) {
    if (!split.rest.empty()) split.rest += ' ';
    split.rest += take_word();
  }
  return split;
}

// Collects a prompt's groups.
class Grouper {
 public:
  Grouper(const Tokenizer& tokenizer, const PromptOptions& options, PromptTokens* prompt)
      : tokenizer_(tokenizer), options_(options), prompt_(prompt) {}

  void add_segment(const PromptSegment& segment) {
    for (std::string_view piece : split_at_embeddings(segment.text)) {
      if (options_.embeddings && piece.starts_with(kEmbeddingPrefix)) {
        add_embedding(piece.substr(kEmbeddingPrefix.size()), segment.weight);
      } else {
        add_text(piece, segment.weight);
      }
    }
  }

  const std::vector<Group>& groups() const { return groups_; }

 private:
  void add_text(std::string_view text, double weight) {
    Group& group = groups_.emplace_back();
    for (int32_t id : tokenizer_.encode(text)) group.push_back({.id = id, .weight = weight});
  }

  // `text` is what follows "embedding:", the text behind the name included.
  void add_embedding(std::string_view text, double weight) {
    auto [name, rest] = split_first_word(text);
    std::optional<EmbeddingShape> shape = options_.embeddings(name);
    std::string_view bare = strip_commas(name);
    if (!shape && bare.size() < name.size()) {
      shape = options_.embeddings(bare);
      // ComfyUI's arithmetic: the text behind as many characters as the bare name has, which for a
      // name with commas before it is not quite the text behind the name.
      rest = fmt::format("{} {}", name.substr(bare.size()), rest);
      name = bare;
    }
    if (!shape) {
      prompt_->warnings.push_back(
          fmt::format("[prompt] there is no embedding \"{}\"; ignored", name));
    } else if (shape->width != options_.embedding_width) {
      prompt_->warnings.push_back(
          fmt::format("[prompt] embedding \"{}\" wants a text encoder of width {}, got {}; ignored",
                      name, shape->width, options_.embedding_width));
    } else {
      add_rows(name, shape->rows, weight);
    }
    if (!rest.empty()) add_text(rest, weight);
  }

  void add_rows(const std::string& name, int32_t rows, double weight) {
    auto& names = prompt_->embeddings;
    auto found = std::find(names.begin(), names.end(), name);
    auto index = static_cast<int32_t>(found - names.begin());
    if (found == names.end()) names.push_back(name);
    Group& group = groups_.emplace_back();
    for (int32_t row = 0; row < rows; ++row) {
      group.push_back({.id = kEmbeddingRow, .weight = weight, .embedding = index, .row = row});
    }
  }

  const Tokenizer& tokenizer_;
  const PromptOptions& options_;
  PromptTokens* prompt_;
  std::vector<Group> groups_;
};

// Fills chunks one after another.
class Chunker {
 public:
  explicit Chunker(int32_t pad_token) : pad_token_(pad_token) { open(); }

  void add(const Group& group, int32_t number) {
    std::span<const PromptToken> left = group;
    bool may_be_cut = group.size() >= kLargeGroup;
    while (left.size() > room()) {
      if (may_be_cut) {
        size_t fits = room();
        append(left.first(fits), number);
        left = left.subspan(fits);
      }
      close();
      open();
    }
    append(left, number);
  }

  std::vector<PromptChunk> finish() {
    close();
    return std::move(chunks_);
  }

 private:
  // How many tokens fit before the end token.
  size_t room() const { return kContextLength - 1 - chunks_.back().size(); }

  void append(std::span<const PromptToken> tokens, int32_t number) {
    for (PromptToken token : tokens) {
      token.group = number;
      chunks_.back().push_back(token);
    }
  }

  void open() { chunks_.push_back({{.id = kStartToken}}); }

  void close() {
    chunks_.back().push_back({.id = kEndToken});
    chunks_.back().resize(kContextLength, {.id = pad_token_});
  }

  int32_t pad_token_;
  std::vector<PromptChunk> chunks_;
};

}  // namespace

bool PromptTokens::is_weighted() const {
  return std::any_of(chunks.begin(), chunks.end(), [](const PromptChunk& chunk) {
    return std::any_of(chunk.begin(), chunk.end(),
                       [](const PromptToken& token) { return token.weight != 1.0; });
  });
}

Result<PromptTokens> tokenize_prompt(const Tokenizer& tokenizer, std::string_view prompt,
                                     const PromptOptions& options) {
  OBSCURA_ASSIGN(std::vector<PromptSegment> segments, parse_prompt_weights(prompt));
  PromptTokens tokens;
  Grouper grouper(tokenizer, options, &tokens);
  for (const PromptSegment& segment : segments) grouper.add_segment(segment);

  Chunker chunker(options.pad_token);
  int32_t number = 0;
  for (const Group& group : grouper.groups()) chunker.add(group, ++number);
  tokens.chunks = chunker.finish();
  return tokens;
}

}  // namespace obscura::models::clip
