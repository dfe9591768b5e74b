// A small set of nodes to test the engine with: arithmetic on boxed numbers, lists, and everything
// that can go wrong.
#pragma once

#include <cstdint>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "graph/node_registry.h"

namespace obscura::graph::testing {

// What a handle of type BOX holds. `payload` stands for the size of a tensor.
struct Box {
  double value = 0;
  std::size_t payload = 0;
  std::size_t value_bytes() const { return sizeof(Box) + payload; }
};

// What the nodes did, by node id: the application's object in the environment.
struct CallLog {
  std::map<std::string, int> calls;
  std::vector<std::string> order;
  std::vector<std::string> saved;
  std::string file_content = "first";  // what FromFile reads
  std::vector<std::string> models = {"base.safetensors", "sub/refiner.safetensors"};
  CancelToken cancel;  // set by the Cancels node

  void count(const NodeCall& call) {
    ++calls[call.node().id];
    order.push_back(call.node().id);
  }
};

inline Result<NodeResult> run_box(NodeCall& call) {
  call.environment<CallLog>().count(call);
  Box box{call.get<double>("value"), static_cast<std::size_t>(call.get<std::int64_t>("payload"))};
  return NodeResult{Value::handle("BOX", box)};
}

inline Result<NodeResult> run_add(NodeCall& call) {
  call.environment<CallLog>().count(call);
  double sum = call.get<Box>("a").value;
  if (const Box* b = call.find<Box>("b")) sum += b->value;
  call.progress(1, 1);
  return NodeResult{Value::handle("BOX", Box{sum * call.get<double>("scale")})};
}

inline Result<NodeResult> run_save(NodeCall& call) {
  CallLog& log = call.environment<CallLog>();
  log.count(call);
  const std::string name =
      call.get<std::string>("prefix") + std::to_string(call.get<Box>("box").value);
  log.saved.push_back(name);
  return NodeResult().ui(
      {{"images", {{{"filename", name}, {"subfolder", ""}, {"type", "output"}}}}});
}

inline Result<NodeResult> run_range(NodeCall& call) {
  call.environment<CallLog>().count(call);
  ValueList boxes;
  for (std::int64_t i = 0; i < call.get<std::int64_t>("count"); ++i) {
    boxes.push_back(Value::handle("BOX", Box{static_cast<double>(i)}));
  }
  return NodeResult().add_list(std::move(boxes));
}

inline Result<NodeResult> run_total(NodeCall& call) {
  call.environment<CallLog>().count(call);
  double sum = 0;
  for (const Value& value : call.values("boxes")) sum += value.get<Box>().value;
  return NodeResult{Value::handle("BOX", Box{sum})};
}

inline Result<NodeResult> run_switch(NodeCall& call) {
  call.environment<CallLog>().count(call);
  const char* side = call.get<bool>("condition") ? "on_true" : "on_false";
  return NodeResult{call.value(side)};
}

inline Result<std::vector<std::string>> lazy_switch(const NodeInputs& inputs) {
  return std::vector<std::string>{inputs.get<bool>("condition") ? "on_true" : "on_false"};
}

inline Result<NodeResult> run_gate(NodeCall& call) {
  call.environment<CallLog>().count(call);
  if (call.get<bool>("open")) return NodeResult{call.value("box")};
  const std::string& message = call.get<std::string>("message");
  return NodeResult{message.empty() ? Value::blocker() : Value::blocker(message)};
}

inline Result<NodeResult> run_fails(NodeCall& call) {
  call.environment<CallLog>().count(call);
  const std::string& how = call.get<std::string>("how");
  if (how == "error") return call.input_error("how", ErrorKind::kCorrupt, "the file is damaged");
  if (how == "check") OBSCURA_CHECK(1 + 1 == 3, "arithmetic is broken");
  if (how == "memory") throw std::bad_alloc();
  if (how == "throw") throw std::runtime_error("a library threw");
  if (how == "undeclared") return NodeResult{Value::integer(call.get<int>("nothing"))};
  if (how == "outputs") return NodeResult{Value::integer(1), Value::integer(2)};
  return NodeResult{Value::string("not a box")};
}

inline Result<NodeResult> run_cancels(NodeCall& call) {
  CallLog& log = call.environment<CallLog>();
  log.count(call);
  log.cancel.cancel();
  if (call.get<bool>("stop_within")) OBSCURA_TRY(call.check_cancelled());
  return NodeResult{call.value("box")};
}

inline Result<NodeResult> run_number(NodeCall& call) {
  call.environment<CallLog>().count(call);
  return NodeResult{Value::integer(call.get<std::int64_t>("value"))};
}

inline Result<NodeResult> run_pass(NodeCall& call) {
  call.environment<CallLog>().count(call);
  return NodeResult{call.value("any")};
}

inline Result<NodeResult> run_from_file(NodeCall& call) {
  CallLog& log = call.environment<CallLog>();
  log.count(call);
  return NodeResult{Value::handle("BOX", Box{static_cast<double>(log.file_content.size())})};
}

inline Result<NodeResult> run_everything(NodeCall& call) {
  call.environment<CallLog>().count(call);
  return NodeResult{Value::handle("BOX", Box{1})};
}

inline Result<NodeResult> run_hidden(NodeCall& call) {
  CallLog& log = call.environment<CallLog>();
  log.count(call);
  log.saved.push_back(call.unique_id() + " of " + std::to_string(call.prompt().size()) + " " +
                      call.extra_pnginfo().dump());
  call.warn("nothing to see");
  return NodeResult{Value::handle("BOX", Box{2})};
}

inline std::vector<std::string> model_names(const Environment& environment) {
  return environment.get<CallLog>().models;
}

// Nodes that compute, save, switch and make lists.
inline void add_ordinary_nodes(NodeRegistry& nodes) {
  nodes.add(NodeType("Box")
                .label("Boxed number")
                .category("test/source")
                .input(number("value", 0.0).range(-100.0, 100.0).step(0.5))
                .optional(integer("payload", 0).range(0, 1 << 30))
                .output("BOX")
                .run(run_box));
  nodes.add(NodeType("Add")
                .label("Add")
                .category("test")
                .input(socket("a", "BOX"))
                .optional(socket("b", "BOX"))
                .optional(number("scale", 1.0))
                .output("BOX", "sum")
                .run(run_add));
  nodes.add(NodeType("Save")
                .label("Save the number")
                .category("test")
                .output_node()
                .input(socket("box", "BOX"))
                .input(text("prefix", "out"))
                .run(run_save));
  nodes.add(NodeType("Range")
                .category("test/list")
                .input(integer("count", 3).range(0, 1000))
                .output_list("BOX")
                .run(run_range));
  nodes.add(NodeType("Total")
                .category("test/list")
                .inputs_as_lists()
                .input(socket("boxes", "BOX"))
                .output("BOX")
                .run(run_total));
  nodes.add(NodeType("Switch")
                .category("test")
                .input(toggle("condition", true))
                .input(socket("on_true", "*").lazy())
                .input(socket("on_false", "*").lazy())
                .output("*")
                .lazy(lazy_switch)
                .run(run_switch));
  nodes.add(NodeType("Gate")
                .category("test")
                .input(socket("box", "BOX"))
                .input(toggle("open", true))
                .input(text("message", ""))
                .output("BOX")
                .run(run_gate));
}

// Nodes that fail, cancel, change by themselves, or declare one of everything.
inline void add_peculiar_nodes(NodeRegistry& nodes) {
  nodes.add(NodeType("Fails")
                .category("test")
                .input(choice(
                    "how", {"error", "check", "memory", "throw", "undeclared", "outputs", "type"}))
                .output("BOX")
                .run(run_fails));
  nodes.add(NodeType("Cancels")
                .category("test")
                .input(socket("box", "BOX"))
                .input(toggle("stop_within", false))
                .output("BOX")
                .run(run_cancels));
  nodes.add(NodeType("Number")
                .category("test/source")
                .input(integer("value", 0))
                .output("INT")
                .run(run_number));
  nodes.add(NodeType("Pass").category("test").input(socket("any", "*")).output("*").run(run_pass));
  nodes.add(
      NodeType("FromFile")
          .category("test/source")
          .input(toggle("always", false))
          .output("BOX")
          .fingerprint([](const NodeInputs& inputs,
                          const Environment& environment) -> Result<std::optional<std::string>> {
            if (inputs.get<bool>("always")) return std::optional<std::string>();
            return std::optional<std::string>(environment.get<CallLog>().file_content);
          })
          .run(run_from_file));
  nodes.add(NodeType("Everything")
                .label("Every kind of input")
                .category("test/source")
                .description("Takes one of each.")
                .version(3)
                .experimental()
                .input(integer("steps", 20).range(1, 10000).tooltip("How many."))
                .input(integer("seed", 0).range(0, kMaxSeed).control_after_generate())
                .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
                .input(choice("sampler", {"euler", "heun", "dpmpp_2m"}))
                .input(choice("model", model_names))
                .input(text("text").multiline().dynamic_prompts())
                .input(toggle("flag", true))
                .optional(socket("weights", "*"))
                .optional(integer("even", 2))
                .output("BOX", "box", "The result.")
                .validate([](const NodeInputs& inputs, const Environment&) -> Status {
                  if (inputs.get<std::int64_t>("even") % 2 == 0) return {};
                  return Error(ErrorKind::kInvalidInput, "\"even\" is odd");
                })
                .run(run_everything));
  nodes.add(NodeType("Hidden")
                .category("test")
                .deprecated()
                .hidden(Hidden::kPrompt)
                .hidden(Hidden::kExtraPngInfo)
                .hidden(Hidden::kUniqueId)
                .output("BOX")
                .run(run_hidden));
}

inline NodeRegistry make_test_registry() {
  NodeRegistry nodes;
  add_ordinary_nodes(nodes);
  add_peculiar_nodes(nodes);
  return nodes;
}

}  // namespace obscura::graph::testing
