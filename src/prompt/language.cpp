#include "prompt/language.h"

#include "base/trim.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace obscura::prompt {
namespace {

std::optional<double> number_in(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The text cut at each occurrence of a word that stands by itself.
std::vector<std::string_view> split_at_word(std::string_view text, std::string_view word) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0, at = 0;
  while ((at = text.find(word, at)) != std::string_view::npos) {
    const std::size_t end = at + word.size();
    const bool alone =
        (at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (alone) {
      parts.push_back(text.substr(begin, at - begin));
      begin = end;
    }
    at = end;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

// The place of the bracket that closes the one at `open`; npos if there is none.
std::size_t closing(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '[')
      ++depth;
    else if (text[i] == ']' && --depth == 0)
      return i;
  }
  return std::string_view::npos;
}

// Places of a character that no bracket inside of `text` encloses.
std::vector<std::size_t> outer_places(std::string_view text, char wanted) {
  std::vector<std::size_t> places;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '[' || text[i] == '(') {
      ++depth;
    } else if (text[i] == ']' || text[i] == ')') {
      --depth;
    } else if (text[i] == wanted && depth == 0) {
      places.push_back(i);
    }
  }
  return places;
}

// What the inside of a pair of square brackets is at a step; none if it is an emphasis.
std::optional<std::string_view> chosen(std::string_view inside, int step, int steps) {
  if (const auto bars = outer_places(inside, '|'); !bars.empty()) {
    const std::size_t turn = static_cast<std::size_t>(step) % (bars.size() + 1);
    const std::size_t begin = turn == 0 ? 0 : bars[turn - 1] + 1;
    const std::size_t end = turn == bars.size() ? inside.size() : bars[turn];
    return inside.substr(begin, end - begin);
  }
  const auto colons = outer_places(inside, ':');
  if (colons.empty()) return std::nullopt;
  const std::string_view when_text = inside.substr(colons.back() + 1);
  const std::optional<double> when = number_in(when_text);
  if (!when) return std::nullopt;
  // A number with a point is a part of the steps, one without a number of steps.
  const bool is_part = when_text.find('.') != std::string_view::npos;
  const int change = std::min(steps, static_cast<int>(is_part ? *when * steps : *when));
  const std::string_view both = inside.substr(0, colons.back());
  const bool has_both = colons.size() > 1;
  const std::size_t middle = has_both ? colons[colons.size() - 2] : 0;
  if (step < change) return has_both ? both.substr(0, middle) : std::string_view();
  return has_both ? both.substr(middle + 1) : both;
}

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

// "name:0.8", "name:0.8:0.5" (text encoders, then U-Net), "name:te=1:unet=0.5".
LoraTag lora_tag(std::string_view inside) {
  LoraTag tag;
  int place = 0;
  bool unet_given = false;
  for (std::size_t begin = 0; begin <= inside.size(); ++place) {
    const std::size_t end = std::min(inside.find(':', begin), inside.size());
    const std::string_view part = trimmed(inside.substr(begin, end - begin));
    begin = end + 1;
    if (place == 0) {
      tag.name = part;
      continue;
    }
    const std::size_t equals = part.find('=');
    const std::string_view key =
        equals == std::string_view::npos ? std::string_view() : part.substr(0, equals);
    const auto value = number_in(equals == std::string_view::npos ? part : part.substr(equals + 1));
    if (!value) continue;
    if (key == "te" || (key.empty() && place == 1)) tag.text = *value;
    if (key == "unet" || (key.empty() && place == 2)) {
      tag.unet = *value;
      unet_given = true;
    }
  }
  if (!unet_given) tag.unet = tag.text;
  return tag;
}

// Takes the tags out of the text.
std::string without_tags(std::string_view text, std::vector<LoraTag>& loras) {
  constexpr std::string_view kBegin = "<lora:";
  std::string rest;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(kBegin, begin)) != std::string_view::npos;) {
    const std::size_t end = text.find('>', at);
    if (end == std::string_view::npos) break;
    rest += text.substr(begin, at - begin);
    loras.push_back(lora_tag(text.substr(at + kBegin.size(), end - at - kBegin.size())));
    begin = end + 1;
  }
  return rest + std::string(text.substr(begin));
}

// "text :0.7" at the end of a subprompt.
Subprompt with_weight(std::string_view& text) {
  Subprompt subprompt;
  const auto colons = outer_places(text, ':');
  if (colons.empty()) return subprompt;
  if (const auto weight = number_in(text.substr(colons.back() + 1))) {
    subprompt.weight = *weight;
    text = text.substr(0, colons.back());
  }
  return subprompt;
}

}  // namespace

std::string prompt_at_step(std::string_view text, int step, int steps) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      result += text.substr(i++, 2);
      continue;
    }
    const std::size_t end = text[i] == '[' ? closing(text, i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      result += text[i];
      continue;
    }
    const std::string_view inside = text.substr(i + 1, end - i - 1);
    if (const auto one = chosen(inside, step, steps))
      result += prompt_at_step(*one, step, steps);
    else
      result += "[" + prompt_at_step(inside, step, steps) + "]";
    i = end;
  }
  return result;
}

std::vector<std::vector<WeightedText>> parse_weights(std::string_view text) {
  return WeightParser().parse(text);
}

ParsedPrompt parse_prompt(std::string_view text, int steps) {
  ParsedPrompt parsed;
  const std::string plain = without_tags(text, parsed.loras);
  for (std::string_view part : split_at_word(plain, "AND")) {
    Subprompt subprompt = with_weight(part);
    for (int step = 0; step < steps; ++step) {
      std::string now = prompt_at_step(part, step, steps);
      if (!subprompt.stretches.empty() && subprompt.stretches.back().text == now) {
        subprompt.stretches.back().end_step = step + 1;
        continue;
      }
      PromptStretch stretch{step, step + 1, now, parse_weights(now)};
      subprompt.stretches.push_back(std::move(stretch));
    }
    parsed.subprompts.push_back(std::move(subprompt));
  }
  return parsed;
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
