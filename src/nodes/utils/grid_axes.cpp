// GridAxes: every combination of two lists of values.
#include <algorithm>
#include <charconv>

#include "base/trim.h"
#include "graph/node_registry.h"

namespace obscura::nodes {
namespace {

using namespace graph;

template <class Number>
bool reads_as(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// A whole number, a number or a text, whatever it reads as.
Value value_of(std::string_view text) {
  std::int64_t whole = 0;
  double number = 0;
  if (reads_as(text, whole)) return Value::integer(whole).with_type("*");
  if (reads_as(text, number)) return Value::number(number).with_type("*");
  return Value::string(std::string(text)).with_type("*");
}

// Values between line ends where there are some, else between commas.
ValueList values_in(std::string_view text) {
  const char separator = trimmed(text).find('\n') == std::string_view::npos ? ',' : '\n';
  ValueList values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    const std::string_view item = trimmed(text.substr(begin, end - begin));
    if (!item.empty()) values.push_back(value_of(item));
    begin = end + 1;
  }
  return values;
}

Result<NodeResult> grid_axes(NodeCall& call) {
  const ValueList columns = values_in(call.get<std::string>("x"));
  const ValueList rows = values_in(call.get<std::string>("y"));
  if (columns.empty() || rows.empty()) {
    return Error(ErrorKind::kInvalidInput,
                 std::string("input \"") + (columns.empty() ? "x" : "y") +
                     "\": wanted values with commas or line ends between them, found none");
  }
  ValueList x, y;
  for (const Value& row : rows) {
    for (const Value& column : columns) {
      x.push_back(column);
      y.push_back(row);
    }
  }
  return NodeResult().add_list(x).add_list(y).add(Value::integer(columns.size()));
}

const RegisterNode kGridAxes{
    NodeType("GridAxes")
        .label("Grid Axes")
        .category("utils")
        .description("Every combination of two lists of values, row by row: nodes that get them "
                     "run once for each.")
        .input(text("x", "1, 2, 3")
                   .multiline()
                   .tooltip("Values with commas, or line ends, between "
                            "them: the columns."))
        .input(text("y", "1, 2").multiline().tooltip("The rows."))
        .output_list("*", "x", "The column's value, for each image.")
        .output_list("*", "y", "The row's value, for each image.")
        .output("INT", "columns", "For ImageGrid.")
        .run(grid_axes)};

}  // namespace
}  // namespace obscura::nodes
