#include "graph/json_text.h"

#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/trim.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

// Builds the document from the parser's events. nlohmann's own builder cannot stop early, and looks
// every key up in all earlier ones; here a set finds the duplicates, so that a hostile object costs
// linear time.
class Builder : public nlohmann::json_sax<ordered_json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
  bool string(string_t& value) override { return scalar(std::move(value)); }
  bool binary(binary_t&) override { return refuse("holds binary data"); }
  bool start_object(std::size_t) override { return open(ordered_json::object()); }
  bool start_array(std::size_t) override { return open(ordered_json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) {
      return refuse("has the key " + in_quotes(name) + " twice in one object");
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    std::string text = error.what();
    // Without the library's "[json.exception.parse_error.101] ".
    const std::size_t prefix = text.find("] ");
    if (text.starts_with("[json.") && prefix != std::string::npos) text.erase(0, prefix + 2);
    message_ = "is not valid JSON: " + printable(text, 300);
    return false;
  }

  const std::string& message() const { return message_; }
  ordered_json take() { return std::move(root_); }

 private:
  bool refuse(std::string message) {
    message_ = std::move(message);
    return false;
  }

  // Puts `value` where the text has arrived; null if there are too many.
  ordered_json* place(ordered_json value) {
    if (++values_ > limits_.values) {
      refuse("has more than " + std::to_string(limits_.values) + " values");
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    ordered_json& parent = *open_.back();
    if (parent.is_array())
      return &parent.get_ref<ordered_json::array_t&>().emplace_back(std::move(value));
    return &parent.get_ref<ordered_json::object_t&>()
                .emplace_back(std::move(key_), std::move(value))
                .second;
  }

  bool scalar(ordered_json value) { return place(std::move(value)) != nullptr; }

  bool open(ordered_json container) {
    if (open_.size() >= limits_.depth) {
      return refuse("is nested more than " + std::to_string(limits_.depth) + " deep");
    }
    ordered_json* placed = place(std::move(container));
    if (!placed) return false;
    // A parent's elements do not move while its last one is open.
    open_.push_back(placed);
    keys_.emplace_back();
    return true;
  }

  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  ordered_json root_;
  std::vector<ordered_json*> open_;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
  std::string message_;
  std::size_t values_ = 0;
};

// The text with Python's three extra literals replaced by null, outside of strings.
std::string without_python_literals(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (!in_string) {
      std::size_t literal = 0;
      for (std::string_view name : {"NaN", "Infinity", "-Infinity"}) {
        if (rest.starts_with(name)) literal = name.size();
      }
      if (literal > 0) {
        result += "null";
        i += literal;
        continue;
      }
    } else if (rest.front() == '\\' && rest.size() > 1) {
      result += rest.substr(0, 2);
      i += 2;
      continue;
    }
    if (rest.front() == '"') in_string = !in_string;
    result += rest.front();
    ++i;
  }
  return result;
}

}  // namespace

Result<ordered_json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Error(ErrorKind::kInvalidInput, "the JSON text has " + std::to_string(text.size()) +
                                               " bytes; at most " + std::to_string(limits.bytes) +
                                               " are read");
  }
  if (trimmed(text).empty()) return Error(ErrorKind::kInvalidInput, "the text is empty, not JSON");
  std::string cleaned;
  if (text.find("NaN") != std::string_view::npos ||
      text.find("Infinity") != std::string_view::npos) {
    cleaned = without_python_literals(text);
    text = cleaned;
  }
  Builder builder(limits);
  if (!ordered_json::sax_parse(text, &builder)) {
    return Error(ErrorKind::kInvalidInput, "the text " + builder.message());
  }
  return builder.take();
}

}  // namespace obscura::graph
