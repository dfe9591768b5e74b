// The nodes on texts.
#include <algorithm>

#include "graph/node_registry.h"
#include "nodes/utils/code_points.h"

namespace obscura::nodes {
namespace {

using namespace graph;

const std::string& string_of(const NodeCall& call, const char* input = "string") {
  return call.get<std::string>(input);
}

// The text as it is compared: in lower case unless case counts.
std::u32string compared(const NodeCall& call, const char* input) {
  std::u32string points = code_points(string_of(call, input));
  return call.get<bool>("case_sensitive") ? points : lowered(std::move(points));
}

Result<NodeResult> string_concatenate(NodeCall& call) {
  return NodeResult{Value::string(string_of(call, "string_a") + string_of(call, "delimiter") +
                                  string_of(call, "string_b"))};
}

// A position as Python's slices take it: below 0 it counts from the end.
std::size_t slice_position(std::int64_t position, std::size_t size) {
  auto length = static_cast<std::int64_t>(size);
  if (position < 0) position += length;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(position, 0, length));
}

Result<NodeResult> substring(NodeCall& call) {
  std::u32string points = code_points(string_of(call));
  std::size_t begin = slice_position(call.get<std::int64_t>("start"), points.size());
  std::size_t end = slice_position(call.get<std::int64_t>("end"), points.size());
  return NodeResult{Value::string(
      begin < end ? utf8(std::u32string_view(points).substr(begin, end - begin)) : "")};
}

Result<NodeResult> string_length(NodeCall& call) {
  return NodeResult{Value::integer(code_points(string_of(call)).size())};
}

Result<NodeResult> convert_case(NodeCall& call) {
  const std::string& mode = call.get<std::string>("mode");
  std::u32string points = code_points(string_of(call));
  bool first = true;  // of the text, or of a word
  for (char32_t& point : points) {
    bool raise = mode == "UPPERCASE" || (mode != "lowercase" && first);
    point = raise ? upper(point) : lower(point);
    first = mode == "Title Case" && !is_letter(point);
  }
  return NodeResult{Value::string(utf8(points))};
}

Result<NodeResult> string_trim(NodeCall& call) {
  const std::string& mode = call.get<std::string>("mode");
  std::u32string points = code_points(string_of(call));
  std::size_t begin = 0, end = points.size();
  if (mode != "Right")
    while (begin < end && is_space(points[begin])) ++begin;
  if (mode != "Left")
    while (end > begin && is_space(points[end - 1])) --end;
  return NodeResult{Value::string(utf8(std::u32string_view(points).substr(begin, end - begin)))};
}

Result<NodeResult> string_replace(NodeCall& call) {
  std::u32string points = code_points(string_of(call));
  std::u32string find = code_points(string_of(call, "find"));
  const std::string& put = string_of(call, "replace");
  if (find.empty()) {  // as Python: before each character, and at the end
    std::string result = put;
    for (char32_t point : points) result += utf8(std::u32string(1, point)) + put;
    return NodeResult{Value::string(std::move(result))};
  }
  std::string result;
  std::size_t begin = 0;
  for (std::size_t at; (at = points.find(find, begin)) != std::u32string::npos;
       begin = at + find.size()) {
    result += utf8(std::u32string_view(points).substr(begin, at - begin)) + put;
  }
  return NodeResult{Value::string(result + utf8(std::u32string_view(points).substr(begin)))};
}

Result<NodeResult> string_contains(NodeCall& call) {
  return NodeResult{Value::boolean(compared(call, "string").find(compared(call, "substring")) !=
                                   std::u32string::npos)};
}

Result<NodeResult> string_compare(NodeCall& call) {
  const std::string& mode = call.get<std::string>("mode");
  std::u32string a = compared(call, "string_a"), b = compared(call, "string_b");
  bool result = mode == "Equal"         ? a == b
                : mode == "Starts With" ? a.starts_with(b)
                                        : a.ends_with(b);
  return NodeResult{Value::boolean(result)};
}

const RegisterNode kStringConcatenate{
    NodeType("StringConcatenate")
        .label("Concatenate")
        .category("utils/string")
        .description("Joins two texts, with another between them.")
        .input(text("string_a").multiline())
        .input(text("string_b").multiline())
        .input(text("delimiter", "").multiline(false))
        .output("STRING")
        .run(string_concatenate)};

const RegisterNode kStringSubstring{
    NodeType("StringSubstring")
        .label("Substring")
        .category("utils/string")
        .description(
            "The characters from one position up to another; positions below 0 count from the end.")
        .input(text("string").multiline())
        .input(integer("start"))
        .input(integer("end"))
        .output("STRING")
        .run(substring)};

const RegisterNode kStringLength{NodeType("StringLength")
                                     .label("Length")
                                     .category("utils/string")
                                     .description("The number of characters.")
                                     .input(text("string").multiline())
                                     .output("INT", "length")
                                     .run(string_length)};

const RegisterNode kCaseConverter{
    NodeType("CaseConverter")
        .label("Case Converter")
        .category("utils/string")
        .description("Changes capitals and small letters.")
        .input(text("string").multiline())
        .input(choice("mode", {"UPPERCASE", "lowercase", "Capitalize", "Title Case"}))
        .output("STRING")
        .run(convert_case)};

const RegisterNode kStringTrim{NodeType("StringTrim")
                                   .label("Trim")
                                   .category("utils/string")
                                   .description("Takes spaces and line ends off the text's ends.")
                                   .input(text("string").multiline())
                                   .input(choice("mode", {"Both", "Left", "Right"}))
                                   .output("STRING")
                                   .run(string_trim)};

const RegisterNode kStringReplace{NodeType("StringReplace")
                                      .label("Replace")
                                      .category("utils/string")
                                      .description("Replaces each occurrence of a text by another.")
                                      .input(text("string").multiline())
                                      .input(text("find").multiline())
                                      .input(text("replace").multiline())
                                      .output("STRING")
                                      .run(string_replace)};

const RegisterNode kStringContains{NodeType("StringContains")
                                       .label("Contains")
                                       .category("utils/string")
                                       .description("Whether one text occurs in another.")
                                       .input(text("string").multiline())
                                       .input(text("substring").multiline())
                                       .input(toggle("case_sensitive", true))
                                       .output("BOOLEAN", "contains")
                                       .run(string_contains)};

const RegisterNode kStringCompare{
    NodeType("StringCompare")
        .label("Compare")
        .category("utils/string")
        .description("Whether one text begins with, ends with or equals another.")
        .input(text("string_a").multiline())
        .input(text("string_b").multiline())
        .input(choice("mode", {"Starts With", "Ends With", "Equal"}))
        .input(toggle("case_sensitive", true))
        .output("BOOLEAN")
        .run(string_compare)};

}  // namespace
}  // namespace obscura::nodes
