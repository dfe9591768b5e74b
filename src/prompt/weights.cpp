#include "prompt/weights.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/trim.h"
#include "prompt/scan.h"

namespace obscura::prompt {
namespace {

// A weight's end, ":1.3)", at a place of a text: how long it is; 0 if there is none.
std::size_t weight_length(std::string_view text, std::size_t at, double& weight) {
  if (text[at] != ':') return 0;
  const std::size_t close = text.find_first_not_of("+-.0123456789 \t", at + 1);
  if (close == std::string_view::npos || text[close] != ')') return 0;
  const auto value = number_in(text.substr(at + 1, close - at - 1));
  if (!value) return 0;
  weight = *value;
  return close + 1 - at;
}

class WeightParser {
 public:
  std::vector<std::vector<WeightedText>> parse(std::string_view text) {
    constexpr double kRound = 1.1, kSquare = 1 / 1.1;
    double weight = 1;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\\' && i + 1 < text.size() &&
          std::string_view("()[]\\").find(text[i + 1]) != std::string_view::npos) {
        plain_ += text[++i];
      } else if (c == '(' || c == '[') {
        flush();
        (c == '(' ? round_ : square_).push_back(found_.size());
      } else if (std::size_t length;
                 !round_.empty() && (length = weight_length(text, i, weight)) > 0) {
        close(round_, weight);
        i += length - 1;
      } else if (c == ')' && !round_.empty()) {
        close(round_, kRound);
      } else if (c == ']' && !square_.empty()) {
        close(square_, kSquare);
      } else {
        plain_ += c;
      }
    }
    flush();
    while (!round_.empty()) close(round_, kRound);
    while (!square_.empty()) close(square_, kSquare);
    return pieces();
  }

 private:
  struct Found {
    WeightedText text;
    bool begins_piece;
  };

  void flush() {
    const auto parts = split_at_word(plain_, "BREAK");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool alone = parts.size() > 1;
      found_.push_back({{std::string(alone ? trimmed(parts[i]) : parts[i]), 1}, i > 0});
    }
    plain_.clear();
  }

  void close(std::vector<std::size_t>& open, double weight) {
    flush();
    for (std::size_t i = open.back(); i < found_.size(); ++i) found_[i].text.weight *= weight;
    open.pop_back();
  }

  // Neighbours of one weight joined, empty ones left out.
  std::vector<std::vector<WeightedText>> pieces() const {
    std::vector<std::vector<WeightedText>> result(1);
    for (const Found& found : found_) {
      if (found.begins_piece) result.emplace_back();
      std::vector<WeightedText>& piece = result.back();
      if (found.text.text.empty()) continue;
      if (!piece.empty() && piece.back().weight == found.text.weight)
        piece.back().text += found.text.text;
      else
        piece.push_back(found.text);
    }
    return result;
  }

  std::string plain_;
  std::vector<Found> found_;
  std::vector<std::size_t> round_, square_;  // where open brackets began in found_
};

}  // namespace

std::vector<std::vector<WeightedText>> parse_weights(std::string_view text) {
  return WeightParser().parse(text);
}

std::string as_comfyui(const std::vector<WeightedText>& piece) {
  std::string result;
  for (const WeightedText& part : piece) {
    std::string escaped;
    for (char c : part.text) {
      if (c == '(' || c == ')') escaped += '\\';
      escaped += c;
    }
    result += part.weight == 1 ? escaped : fmt::format("({}:{})", escaped, part.weight);
  }
  return result;
}

}  // namespace obscura::prompt
