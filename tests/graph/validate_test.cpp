#include "graph/validate.h"

#include <gtest/gtest.h>

#include "graph/test_nodes.h"

namespace obscura::graph {
namespace {

using testing::CallLog;

class ValidateTest : public ::testing::Test {
 protected:
  ValidateTest() { environment_.provide(log_); }

  Validation check(std::string_view text, const ValidationOptions& options = {}) {
    auto workflow = Workflow::parse(text);
    EXPECT_TRUE(workflow.ok()) << workflow.error().message();
    return validate(*workflow, registry_, environment_, options);
  }

  CallLog log_;
  Environment environment_;
  NodeRegistry registry_ = testing::make_test_registry();
};

// A workflow with one output, the type of its first error, and every line that the user sees.
struct Fault {
  const char* name;
  const char* workflow;
  const char* type;
  std::vector<std::string> lines;
};

const char* const kSaveOne = R"("9":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"a"}})";

const Fault kFaults[] = {
    {"UnknownType",
     R"({"1":{"class_type":"Bx","inputs":{}},$})",
     "invalid_prompt",
     {"node 1 (Bx): no node type 'Bx'; the nearest is 'Box'"}},
    {"UnknownTypeThatNothingNeeds",
     R"({"1":{"class_type":"Box","inputs":{"value":1}},"2":{"class_type":"Zzzzzzzzz","_meta":{"title":"T"}},$})",
     "invalid_prompt",
     {"node 2 \"T\" (Zzzzzzzzz): no node type 'Zzzzzzzzz'"}},
    {"Missing",
     R"({"1":{"class_type":"Box","inputs":{}},$})",
     "required_input_missing",
     {"node 1 \"Boxed number\" (Box), input \"value\": wanted a FLOAT, found nothing (the usual "
      "value is 0.0)"}},
    {"TooSmall",
     R"({"1":{"class_type":"Box","inputs":{"value":-101},"_meta":{"title":"Refine"}},$})",
     "value_smaller_than_min",
     {"node 1 \"Refine\" (Box), input \"value\": wanted at least -100.0, found -101.0"}},
    {"TooLarge",
     R"({"1":{"class_type":"Box","inputs":{"value":"1e3"}},$})",
     "value_bigger_than_max",
     {"node 1 \"Boxed number\" (Box), input \"value\": wanted at most 100.0, found 1000.0"}},
    {"NotANumber",
     R"({"1":{"class_type":"Box","inputs":{"value":"abc"}},$})",
     "invalid_input_type",
     {"node 1 \"Boxed number\" (Box), input \"value\": wanted a finite number, found \"abc\""}},
    {"NotInList",
     R"({"1":{"class_type":"Fails","inputs":{"how":"eror"}},$})",
     "value_not_in_list",
     {"node 1 (Fails), input \"how\": wanted one of 'error', 'check', 'memory', 'throw', "
      "'undeclared', "
      "'outputs', 'type', found 'eror'; the nearest is 'error'"}},
    {"DanglingLink",
     R"({"1":{"class_type":"Add","inputs":{"a":["44",0]}},$})",
     "bad_linked_input",
     {"node 1 (Add), input \"a\": wanted a BOX, but the linked node '44' does not exist"}},
    {"NoSuchSlot",
     R"({"1":{"class_type":"Add","inputs":{"a":["2",3]}},"2":{"class_type":"Box","inputs":{"value":1}},$})",
     "bad_linked_input",
     {"node 1 (Add), input \"a\": wanted a BOX from output 3 of node 2 \"Boxed number\" (Box), "
      "which has "
      "outputs 0 to 0"}},
    {"LinkToAnOutputNode",
     R"({"1":{"class_type":"Add","inputs":{"a":["9",0]}},$})",
     "dependency_cycle",
     {"node 1 (Add), input \"a\": wanted a BOX from output 0 of node 9 \"Save the number\" (Save), "
      "which has "
      "no outputs",
      "node 1 (Add), input \"a\": the link closes a cycle: 9 ← 1 ← 9"}},
    {"TypeMismatch",
     R"({"1":{"class_type":"Add","inputs":{"a":["2",0]}},"2":{"class_type":"Number","inputs":{"value":1}},$})",
     "return_type_mismatch",
     {"node 1 (Add), input \"a\": wanted a BOX, found an INT from output 0 of node 2 (Number); "
      "Range makes a BOX of an INT"}},
    {"MissingSocket",
     R"({"1":{"class_type":"Add","inputs":{}},$})",
     "required_input_missing",
     {"node 1 (Add), input \"a\": wanted a BOX, found nothing; Fails gives one"}},
    {"ConstantForASocket",
     R"({"1":{"class_type":"Add","inputs":{"a":5}},$})",
     "bad_linked_input",
     {"node 1 (Add), input \"a\": wanted a link to a BOX output, such as [\"4\", 0], found 5"}},
    {"SelfCycle",
     R"({"1":{"class_type":"Add","inputs":{"a":["1",0]}},$})",
     "dependency_cycle",
     {"node 1 (Add), input \"a\": the link closes a cycle: 1 ← 1"}},
    {"Cycle",
     R"({"1":{"class_type":"Add","inputs":{"a":["2",0]}},"2":{"class_type":"Add","inputs":{"a":["3",0]}},
         "3":{"class_type":"Add","inputs":{"a":["1",0]}},$})",
     "dependency_cycle",
     {"node 3 (Add), input \"a\": the link closes a cycle: 1 ← 2 ← 3 ← 1"}},
    {"HookSaysNo",
     R"({"1":{"class_type":"Everything","inputs":{"steps":1,"seed":1,"cfg":1,"sampler":"euler",
         "model":"base.safetensors","text":"","flag":true,"even":3}},$})",
     "custom_validation_failed",
     {"node 1 \"Every kind of input\" (Everything): \"even\" is odd"}},
    {"SeveralAtOnce",
     R"({"1":{"class_type":"Box","inputs":{"value":null,"payload":-1}},$})",
     "invalid_input_type",
     {"node 1 \"Boxed number\" (Box), input \"value\": wanted a finite number, found null",
      "node 1 \"Boxed number\" (Box), input \"payload\": wanted at least 0, found -1"}},
};

class ValidateTable : public ValidateTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(ValidateTable, Explains) {
  const Fault& row = GetParam();
  std::string text = row.workflow;
  text.replace(text.find('$'), 1, kSaveOne);
  const Validation validation = check(text);
  EXPECT_FALSE(validation.runnable());
  EXPECT_EQ(validation.lines(), row.lines);
  ASSERT_FALSE(validation.node_errors.empty());
  EXPECT_EQ(validation.node_errors.front().issues.back().type == row.type ||
                validation.node_errors.front().issues.front().type == row.type,
            true)
      << validation.node_errors.front().issues.front().type;
  ASSERT_TRUE(validation.error);
  EXPECT_EQ(validation.error->type, std::string(row.type) == "invalid_prompt"
                                        ? "invalid_prompt"
                                        : "prompt_outputs_failed_validation");
  EXPECT_EQ(validation.to_error().kind(), ErrorKind::kInvalidInput);
}
INSTANTIATE_TEST_SUITE_P(Rows, ValidateTable, ::testing::ValuesIn(kFaults),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(ValidateTest, AWorkflowWithoutOutputsSaysSo) {
  EXPECT_EQ(check("{}").lines(), std::vector<std::string>{"the workflow is empty"});
  const Validation validation = check(R"({"1":{"class_type":"Box","inputs":{"value":1}}})");
  EXPECT_EQ(validation.error->type, "prompt_no_outputs");
  EXPECT_EQ(validation.lines(),
            std::vector<std::string>{"no node of the workflow saves or shows anything"});
}

constexpr const char* kOneGoodOneBad =
    R"({"1":{"class_type":"Box","inputs":{"value":1}},"2":{"class_type":"Box","inputs":{"value":1000}},
        "8":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"a"}},
        "9":{"class_type":"Save","inputs":{"box":["2",0],"prefix":"b"}}})";

TEST_F(ValidateTest, OneSoundOutputIsEnoughToRun) {
  const Validation validation = check(kOneGoodOneBad);
  EXPECT_TRUE(validation.runnable());
  EXPECT_FALSE(validation.complete());
  ASSERT_EQ(validation.resolved.outputs.size(), 1u);
  EXPECT_EQ(validation.resolved.nodes[validation.resolved.outputs[0]].ref.id, "8");
  EXPECT_EQ(validation.resolved.nodes.size(), 2u);
}

TEST_F(ValidateTest, AnswersInComfyUisShape) {
  const nlohmann::ordered_json json = check(kOneGoodOneBad).to_json();
  EXPECT_TRUE(json["error"].is_null());
  EXPECT_EQ(
      json["node_errors"].dump(),
      R"({"2":{"errors":[{"type":"value_bigger_than_max","message":"Value is bigger than the maximum",)"
      R"("details":"value: wanted at most 100.0, found 1000.0","extra_info":{"input_config":["FLOAT",)"
      R"({"default":0.0,"max":100.0,"min":-100.0,"step":0.5}],"input_name":"value",)"
      R"("received_value":1000}}],"dependent_outputs":["9"],"class_type":"Box"}})");
  const auto unknown = check(R"({"3":{"class_type":"KSamplr"}})").to_json();
  EXPECT_EQ(unknown["error"]["type"], "invalid_prompt");
  EXPECT_EQ(unknown["error"]["details"], "Node ID '#3'");
}

TEST_F(ValidateTest, TargetsRestrictTheOutputs) {
  EXPECT_TRUE(check(kOneGoodOneBad, {.targets = {"8"}}).complete());
  EXPECT_FALSE(check(kOneGoodOneBad, {.targets = {"9"}}).runnable());
  EXPECT_EQ(check(kOneGoodOneBad, {.targets = {"1"}}).lines(),
            std::vector<std::string>{"the target '1' is not an output node"});
  EXPECT_EQ(check(kOneGoodOneBad, {.targets = {"8", "77"}}).lines(),
            std::vector<std::string>{"the target '77' is not a node of the workflow"});
}

TEST_F(ValidateTest, WarnsOfWhatItForgives) {
  const Validation validation = check(
      R"({"1":{"class_type":"Everything","inputs":{"steps":"30","seed":1,"cfg":8,"sampler":"euler",
          "model":"sub\\refiner.safetensors","text":"","flag":"false","colour":"red","stepps":3}},
          "9":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"a"}}})");
  EXPECT_TRUE(validation.complete());
  const std::string node = "node 1 \"Every kind of input\" (Everything), input ";
  EXPECT_EQ(
      validation.warnings,
      (std::vector<std::string>{
          node + "\"steps\": \"30\" was read as 30",
          node + "\"model\": 'sub\\refiner.safetensors' was read as 'sub/refiner.safetensors'",
          node + "\"flag\": \"false\" was read as false",
          node + "\"colour\": the node has no such input; it is ignored",
          node + "\"stepps\": the node has no such input; it is ignored; the nearest is 'steps'"}));
}

TEST_F(ValidateTest, WrappedListsAreValues) {
  const char* format =
      R"({"1":{"class_type":"Everything","inputs":{"steps":3,"seed":1,"cfg":8,"sampler":"euler",
          "model":"base.safetensors","text":"","flag":true,"weights":{"__value__":["1",0]}}},
          "9":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"a"}}})";
  const Validation validation = check(format);
  ASSERT_TRUE(validation.complete()) << validation.lines().front();
  EXPECT_EQ(validation.resolved.nodes[0].inputs[7].constant->dump(), "[\"1\",0]");
}

TEST_F(ValidateTest, OptionalInputsTakeTheirDefault) {
  const Validation validation = check(kOneGoodOneBad);
  EXPECT_EQ(validation.resolved.nodes[0].inputs[1].constant->dump(), "0");
}

TEST_F(ValidateTest, SurvivesAChainOfThousands) {
  std::string text = R"({"0":{"class_type":"Box","inputs":{"value":1}})";
  const int last = 4990;
  for (int i = 1; i <= last; ++i) {
    text += ",\"" + std::to_string(i) + "\":{\"class_type\":\"Add\",\"inputs\":{\"a\":[\"" +
            std::to_string(i - 1) + "\",0]}}";
  }
  text += ",\"s\":{\"class_type\":\"Save\",\"inputs\":{\"box\":[\"" + std::to_string(last) +
          "\",0],\"prefix\":\"a\"}}}";
  const Validation validation = check(text);
  EXPECT_TRUE(validation.complete());
  EXPECT_EQ(validation.resolved.nodes.size(), 4992u);
}

TEST_F(ValidateTest, AnExceptionInAHookIsAnErrorOfTheNode) {
  registry_.add(NodeType("Throws")
                    .input(integer("x", 0))
                    .output_node()
                    .validate([](const NodeInputs& inputs, const Environment&) -> Status {
                      static_cast<void>(inputs.get<std::string>("x"));
                      return {};
                    })
                    .run([](NodeCall&) -> Result<NodeResult> { return NodeResult(); }));
  const Validation validation = check(R"({"1":{"class_type":"Throws","inputs":{"x":1}}})");
  ASSERT_EQ(validation.node_errors.size(), 1u);
  EXPECT_EQ(validation.node_errors[0].issues[0].type, "exception_during_validation");
}

TEST_F(ValidateTest, TheHookReplacesTheEnginesCheck) {
  registry_.add(
      NodeType("OwnCheck")
          .input(choice("file", {"a.png"}))
          .output_node()
          .validate([](const NodeInputs&, const Environment&) -> Status { return {}; }, {"file"})
          .run([](NodeCall&) -> Result<NodeResult> { return NodeResult(); }));
  EXPECT_TRUE(
      check(R"({"1":{"class_type":"OwnCheck","inputs":{"file":"clipspace/b.png [input]"}}})")
          .complete());
}

}  // namespace
}  // namespace obscura::graph
