// Primitive values as nodes, and PreviewAny, which shows any value as text.
#include <limits>

#include "graph/node_registry.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> pass_on(NodeCall& call) {
  return NodeResult{call.value("value")};
}

// Python's str() of a constant, which is what ComfyUI shows.
std::string primitive_text_of(const Value& value) {
  if (!value.is_constant()) return value.describe();
  const nlohmann::json& json = value.json();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_boolean()) return json.get<bool>() ? "True" : "False";
  return json.is_null() ? "None" : json.dump(json.is_number() ? -1 : 4);
}

Result<NodeResult> primitive_preview(NodeCall& call) {
  return NodeResult().ui(
      {{"text", nlohmann::json::array({primitive_text_of(call.value("source"))})}});
}

const RegisterNode kPrimitiveString{NodeType("PrimitiveString")
                                        .label("String")
                                        .category("utils/primitive")
                                        .description("A text of one line.")
                                        .input(text("value").multiline(false))
                                        .output("STRING")
                                        .run(pass_on)};

const RegisterNode kPrimitiveStringMultiline{NodeType("PrimitiveStringMultiline")
                                                 .label("String (Multiline)")
                                                 .category("utils/primitive")
                                                 .description("A text of any number of lines.")
                                                 .input(text("value").multiline())
                                                 .output("STRING")
                                                 .run(pass_on)};

const RegisterNode kPrimitiveInt{NodeType("PrimitiveInt")
                                     .label("Int")
                                     .category("utils/primitive")
                                     .description("A whole number.")
                                     .input(integer("value")
                                                .range(-std::numeric_limits<std::int64_t>::max(),
                                                       std::numeric_limits<std::int64_t>::max())
                                                .control_after_generate())
                                     .output("INT")
                                     .run(pass_on)};

const RegisterNode kPrimitiveFloat{
    NodeType("PrimitiveFloat")
        .label("Float")
        .category("utils/primitive")
        .description("A number.")
        .input(number("value").range(-std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::max()))
        .output("FLOAT")
        .run(pass_on)};

const RegisterNode kPrimitiveBoolean{NodeType("PrimitiveBoolean")
                                         .label("Boolean")
                                         .category("utils/primitive")
                                         .description("Yes or no.")
                                         .input(toggle("value"))
                                         .output("BOOLEAN")
                                         .run(pass_on)};

const RegisterNode kPreviewAny{NodeType("PreviewAny")
                                   .label("Preview Any")
                                   .category("utils")
                                   .description("Shows a value as text.")
                                   .input(socket("source", "*"))
                                   .output_node()
                                   .run(primitive_preview)};

}  // namespace
}  // namespace obscura::nodes
