// Reads a constant of a workflow as the type that an input declares.
//
// ComfyUI converts as Python does: int("20"), int(20.7) = 20, bool("false") = true. Here a
// conversion never loses or turns around what was written:
//
//   declared  accepted as it is   accepted with a warning            refused
//   INT       20, 20.0            "20", " 20 ", true (1)             20.7, "20.7", "", null, lists
//   FLOAT     20, 8.5             "8.5", "1e-3", true (1.0)          "nan", "inf", 1e999, null,
//   lists BOOLEAN   true, false         0, 1, "true"/"false" and "yes"/    other numbers and
//   strings, null, lists
//                                 "no", "on"/"off", "1"/"0" in any case
//   STRING    "text"              20, 8.5, true ("True", as Python)  null, lists, objects
//   COMBO     "euler"             20 (the choice "20")               null, lists, objects
//   unions    what fits a member as it is                            the rest
//   others    any JSON (whether the input takes constants at all is validation's business)
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/node_type.h"

namespace obscura::graph {

struct Coerced {
  nlohmann::json value;
  std::string warning;  // empty: nothing was converted
};

// An error's message reads "wanted a whole number, found \"abc\"".
Result<Coerced> coerce(std::string_view type, const nlohmann::json& value);

// Checks a coerced value against the declared bounds of an INT or FLOAT. The error's text says
// which and both sides.
enum class Bound { kWithin, kBelow, kAbove };
Bound check_bounds(const InputSpec& spec, const nlohmann::json& value);
// "wanted at least 1, found 0".
std::string describe_bound(const InputSpec& spec, const nlohmann::json& value, Bound bound);

// The choice that `value` means: itself if it is in the list, or the one that differs only in its
// slashes (a workflow saved on Windows writes sdxl\base.safetensors). Null if there is none.
const std::string* find_choice(const std::vector<std::string>& choices, const std::string& value);
// "wanted one of 'euler', …, found 'eulr'; the nearest is 'euler'".
std::string describe_no_choice(const std::vector<std::string>& choices, const std::string& value);

// A value as messages show it: JSON text, cut, free of control characters.
std::string shown(const nlohmann::json& value);

}  // namespace obscura::graph
