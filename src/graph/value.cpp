#include "graph/value.h"

#include <algorithm>

namespace obscura::graph {
namespace {

// Calls visit(member) for each member of a comma-separated union until it returns true.
template <class Visit>
bool any_member(std::string_view types, const Visit& visit) {
  while (true) {
    const std::size_t comma = types.find(',');
    std::string_view member = types.substr(0, comma);
    while (member.starts_with(' ')) member.remove_prefix(1);
    while (member.ends_with(' ')) member.remove_suffix(1);
    if (visit(member)) return true;
    if (comma == std::string_view::npos) return false;
    types.remove_prefix(comma + 1);
  }
}

bool is_string_type(std::string_view type) {
  return type == "STRING" || type == "COMBO";
}

}  // namespace

bool socket_types_fit(std::string_view output, std::string_view input) {
  return any_member(output, [&](std::string_view from) {
    return any_member(input, [&](std::string_view to) {
      if (from.empty() || to.empty()) return false;
      return from == "*" || to == "*" || from == to || (is_string_type(from) && is_string_type(to));
    });
  });
}

Value Value::with_type(std::string type) const {
  Value copy = *this;
  copy.type_ = std::move(type);
  return copy;
}

const std::optional<std::string>& Value::blocker_message() const {
  OBSCURA_CHECK(is_blocker(), "blocker_message() of " + describe());
  return std::get<Blocker>(state_).message;
}

const nlohmann::json& Value::json() const {
  if (!is_constant()) fail_get("JSON");
  return std::get<nlohmann::json>(state_);
}

const void* Value::identity() const {
  const auto* object = std::get_if<Handle>(&state_);
  return object ? object->object.get() : nullptr;
}

std::size_t Value::bytes() const {
  if (const auto* object = std::get_if<Handle>(&state_)) return object->bytes;
  if (const auto* constant = std::get_if<nlohmann::json>(&state_)) {
    if (constant->is_string()) return constant->get_ref<const std::string&>().size();
    // A JSON list or object costs several times its length as text; sixteen bytes an element is its
    // lower bound.
    return sizeof(Value) + 16 * constant->size();
  }
  return sizeof(Value);
}

std::string Value::describe() const {
  if (is_blocker()) return "a blocker";
  if (is_handle()) return "a " + type_;
  constexpr std::size_t kLongest = 60;
  std::string text = std::get<nlohmann::json>(state_).dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() <= kLongest) return text;
  std::size_t end = kLongest;
  // Not in the middle of a UTF-8 sequence.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

void Value::fail_get(const char* wanted) const {
  fail_check(
      "holds<T>()", __FILE__, __LINE__,
      "a value of type " + type_ + " was read as C++ type " + wanted + ", but it is " + describe());
}

}  // namespace obscura::graph
