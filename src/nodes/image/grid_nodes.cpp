// GridAxes and ImageGrid: every combination of two lists of values, and their pictures on one
// sheet.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/trim.h"
#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

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

Result<NodeResult> axes(NodeCall& call) {
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

// All pictures at the size of the first.
Result<NodeResult> grid(NodeCall& call) {
  std::vector<Tensor> pictures;
  for (const Value& value : call.values("images")) {
    const Tensor& batch = value.get<Image>().pixels;
    for (std::int64_t i = 0; i < batch.shape()[0]; ++i)
      pictures.push_back(image::with_channels(batch.slice(i), 3));
  }
  const Shape first = pictures.front().shape();
  const auto gap = call.values("gap").front().get<std::int64_t>();
  const auto count = static_cast<std::int64_t>(pictures.size());
  std::int64_t columns = call.values("columns").front().get<std::int64_t>();
  if (columns == 0)
    columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const std::int64_t rows = (count + columns - 1) / columns;
  const std::int64_t height = rows * (first[1] + gap) - gap,
                     width = columns * (first[2] + gap) - gap;
  OBSCURA_TRY(check_fits(call, "a sheet", {height, width, 3}));
  Tensor sheet = Tensor::filled({1, height, width, 3}, 1);
  for (std::int64_t i = 0; i < count; ++i) {
    Tensor& picture = pictures[static_cast<std::size_t>(i)];
    if (picture.shape() != first)
      picture =
          resize_image(picture, first[2], first[1], ResizeMethod::kBicubic, ResizeCrop::kCenter);
    image::paste(picture, sheet, i % columns * (first[2] + gap), i / columns * (first[1] + gap));
  }
  return NodeResult{image_value(std::move(sheet))};
}

const RegisterNode kAxes{
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
        .output_list("*", "x", "The column's value, for each picture.")
        .output_list("*", "y", "The row's value, for each picture.")
        .output("INT", "columns", "For ImageGrid.")
        .run(axes)};

const RegisterNode kGrid{
    NodeType("ImageGrid")
        .label("Image Grid")
        .category("image")
        .description("Puts all pictures of a list, or of a batch, on one sheet.")
        .input(socket("images", "IMAGE"))
        .input(integer("columns", 0).range(0, 1024).tooltip("0: as many as rows."))
        .input(integer("gap", 8).range(0, 512).tooltip("Pixels between pictures."))
        .inputs_as_lists()
        .output("IMAGE")
        .run(grid)};

}  // namespace
}  // namespace obscura::nodes
