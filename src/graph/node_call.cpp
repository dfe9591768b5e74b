#include "graph/node_call.h"

#include "graph/suggest.h"

namespace obscura::graph {

std::string NodeRef::describe() const {
  std::string text = "node " + printable(id);
  if (!title.empty() && title != type) text += " \"" + printable(title) + "\"";
  return text + " (" + printable(type) + ")";
}

const NodeInputs::Entry& NodeInputs::entry(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return entry;
  }
  fail_check("the input is declared", __FILE__, __LINE__,
             "the node reads an input that it does not declare: " + std::string(name));
}

const Value& NodeInputs::value(std::string_view name) const {
  const ValueList& list = values(name);
  OBSCURA_CHECK(!list.empty(), "the node reads an input that was not given: " + std::string(name));
  return list.front();
}

const nlohmann::ordered_json& NodeCall::prompt() const {
  OBSCURA_CHECK(context_.prompt != nullptr,
                context_.node.type + " does not declare Hidden::kPrompt");
  return *context_.prompt;
}

const nlohmann::ordered_json& NodeCall::extra_pnginfo() const {
  OBSCURA_CHECK(context_.extra_pnginfo != nullptr,
                context_.node.type + " does not declare Hidden::kExtraPngInfo");
  return *context_.extra_pnginfo;
}

const std::string& NodeCall::unique_id() const {
  OBSCURA_CHECK(context_.knows_unique_id,
                context_.node.type + " does not declare Hidden::kUniqueId");
  return context_.node.id;
}

Error NodeCall::input_error(std::string_view input, ErrorKind kind,
                            const std::string& message) const {
  return Error(kind, message).in("input \"" + std::string(input) + "\"");
}

}  // namespace obscura::graph
