#include "prompt/editing.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "prompt/scan.h"

namespace obscura::prompt {
namespace {

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

}  // namespace obscura::prompt
