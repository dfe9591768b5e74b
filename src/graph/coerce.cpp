#include "graph/coerce.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/trim.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::json;

Error wanted(const char* what, const json& found) {
  return Error(ErrorKind::kInvalidInput, std::string("wanted ") + what + ", found " + shown(found));
}

Coerced converted(json value, const json& from) {
  std::string warning = shown(from) + " was read as " + shown(value);
  return {std::move(value), std::move(warning)};
}

// The whole of `text` as a T; Python allows a leading plus, from_chars does not.
template <class T>
bool parse_number(std::string_view text, T& value) {
  text = trimmed(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Result<Coerced> to_integer(const json& value) {
  constexpr const char* kWanted = "a whole number";
  if (value.is_number_integer()) return Coerced{value, ""};
  if (value.is_boolean()) return converted(value.get<bool>() ? 1 : 0, value);
  if (value.is_number_float()) {
    const double number = value.get<double>();
    // Up to 2^53 a double says exactly which integer was meant.
    if (number == std::floor(number) && std::abs(number) <= 9007199254740992.0) {
      return Coerced{static_cast<std::int64_t>(number), ""};
    }
    return wanted(
        std::abs(number) > 9007199254740992.0 ? "a whole number of at most 64 bits" : kWanted,
        value);
  }
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    std::uint64_t positive = 0;
    std::int64_t number = 0;
    if (parse_number(text, number)) return converted(number, value);
    if (parse_number(text, positive)) return converted(positive, value);
  }
  return wanted(kWanted, value);
}

Result<Coerced> to_number(const json& value) {
  constexpr const char* kWanted = "a finite number";
  if (value.is_boolean()) return converted(value.get<bool>() ? 1.0 : 0.0, value);
  double number = 0;
  if (value.is_number()) {
    number = value.get<double>();
  } else if (!value.is_string() || !parse_number(value.get_ref<const std::string&>(), number)) {
    return wanted(kWanted, value);
  }
  if (!std::isfinite(number)) return wanted(kWanted, value);
  if (value.is_string()) return converted(number, value);
  return Coerced{number, ""};
}

Result<Coerced> to_boolean(const json& value) {
  if (value.is_boolean()) return Coerced{value, ""};
  if (value.is_number()) {
    const double number = value.get<double>();
    if (number == 0.0 || number == 1.0) return converted(number == 1.0, value);
  }
  if (value.is_string()) {
    std::string text(trimmed(value.get_ref<const std::string&>()));
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    for (const char* yes : {"true", "yes", "on", "1"}) {
      if (text == yes) return converted(true, value);
    }
    for (const char* no : {"false", "no", "off", "0"}) {
      if (text == no) return converted(false, value);
    }
  }
  return wanted("true or false", value);
}

Result<Coerced> to_string(const json& value, const char* what) {
  if (value.is_string()) return Coerced{value, ""};
  if (value.is_boolean()) return converted(value.get<bool>() ? "True" : "False", value);
  if (value.is_number()) return converted(value.dump(), value);
  return wanted(what, value);
}

// Whether `value` is of the type without any conversion.
bool is_a(std::string_view type, const json& value) {
  if (type == "INT") return value.is_number_integer();
  if (type == "FLOAT") return value.is_number();
  if (type == "BOOLEAN") return value.is_boolean();
  if (type == "STRING" || type == "COMBO") return value.is_string();
  return type == "*";
}

Result<Coerced> to_member_of_union(std::string_view types, const json& value) {
  std::string_view rest = types;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    if (is_a(trimmed(rest.substr(0, comma)), value)) return Coerced{value, ""};
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return wanted(("one of the types " + std::string(types)).c_str(), value);
}

}  // namespace

Result<Coerced> coerce(std::string_view type, const json& value) {
  if (type == "INT") return to_integer(value);
  if (type == "FLOAT") return to_number(value);
  if (type == "BOOLEAN") return to_boolean(value);
  if (type == "STRING") return to_string(value, "a text");
  if (type == "COMBO") return to_string(value, "one of the choices");
  if (type.find(',') != std::string_view::npos) return to_member_of_union(type, value);
  return Coerced{value, ""};
}

Bound check_bounds(const InputSpec& spec, const json& value) {
  if (!value.is_number()) return Bound::kWithin;
  const auto& options = spec.options();
  const auto low = options.find("min");
  const auto high = options.find("max");
  // nlohmann compares signed with unsigned numbers as int64; a seed above 2^63 needs the sign
  // looked at first.
  const auto less = [](const json& a, const json& b) {
    if (a.is_number_float() || b.is_number_float()) return a.get<double>() < b.get<double>();
    const bool a_negative = !a.is_number_unsigned() && a.get<std::int64_t>() < 0;
    const bool b_negative = !b.is_number_unsigned() && b.get<std::int64_t>() < 0;
    if (a_negative != b_negative) return a_negative;
    if (a_negative) return a.get<std::int64_t>() < b.get<std::int64_t>();
    return a.get<std::uint64_t>() < b.get<std::uint64_t>();
  };
  if (low != options.end() && low->is_number() && less(value, json(*low))) return Bound::kBelow;
  if (high != options.end() && high->is_number() && less(json(*high), value)) return Bound::kAbove;
  return Bound::kWithin;
}

std::string describe_bound(const InputSpec& spec, const json& value, Bound bound) {
  if (bound == Bound::kWithin) return "";
  const bool below = bound == Bound::kBelow;
  return std::string(below ? "wanted at least " : "wanted at most ") +
         spec.options().at(below ? "min" : "max").dump() + ", found " + shown(value);
}

const std::string* find_choice(const std::vector<std::string>& choices, const std::string& value) {
  for (const std::string& choice : choices) {
    if (choice == value) return &choice;
  }
  if (value.find('\\') == std::string::npos) return nullptr;
  std::string slashes = value;
  for (char& c : slashes) c = c == '\\' ? '/' : c;
  for (const std::string& choice : choices) {
    if (choice == slashes) return &choice;
  }
  return nullptr;
}

std::string describe_no_choice(const std::vector<std::string>& choices, const std::string& value) {
  if (choices.empty()) return "found " + in_quotes(value) + ", but there is nothing to choose from";
  return "wanted one of " + list_in_quotes(choices) + ", found " + in_quotes(value) +
         suggestion(value, choices);
}

std::string shown(const json& value) {
  constexpr std::size_t kLongest = 80;
  if (value.is_structured() && value.size() > 16) {
    return std::string(value.is_array() ? "a list of " : "an object of ") +
           std::to_string(value.size()) + " values";
  }
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), kLongest);
}

}  // namespace obscura::graph
