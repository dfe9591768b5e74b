#include "graph/workflow.h"

#include <gtest/gtest.h>

#include "graph/assignment.h"
#include "graph/json_text.h"
#include "graph/test_nodes.h"

namespace obscura::graph {
namespace {

constexpr const char* kTwoNodes =
    R"({"9":{"inputs":{"box":["4",0],"prefix":"out"},"class_type":"Save","_meta":{"title":"Result"}},)"
    R"("4":{"class_type":"Box","inputs":{"value":1.5},"is_changed":[null]}})";

Workflow parse(std::string_view text) {
  auto workflow = Workflow::parse(text);
  EXPECT_TRUE(workflow.ok()) << workflow.error().message();
  return std::move(workflow).value();
}

std::string parse_error(std::string_view text) {
  auto workflow = Workflow::parse(text);
  return workflow.ok() ? "parsed" : workflow.error().message();
}

TEST(Workflow, IsWrittenBackAsItCame) {
  EXPECT_EQ(parse(kTwoNodes).to_json().dump(), kTwoNodes);
}

TEST(Workflow, NamesTheNodeThatIsNoNode) {
  EXPECT_EQ(parse_error("[]"), "a workflow is a JSON object of nodes, found array");
  EXPECT_EQ(parse_error(R"({"4":3})"),
            "node '4' is not an object with class_type and inputs, but number");
  EXPECT_EQ(parse_error(R"({"4":{"inputs":{}}})"), "node '4' has no class_type");
  EXPECT_EQ(parse_error(R"({"4":{"class_type":7}})"),
            "node '4' has a class_type that is not a string, but number");
  EXPECT_EQ(parse_error(R"({"4":{"class_type":"A","inputs":[]}})"),
            "node '4' has inputs that are not an object, but array");
  EXPECT_EQ(parse_error(R"({"4":{"class_type":"A","_meta":3}})"), "parsed");
}

TEST(Workflow, RefusesTooManyNodes) {
  std::string text = "{";
  for (std::size_t i = 0; i <= Workflow::kMostNodes; ++i) {
    text += (i ? ",\"" : "\"") + std::to_string(i) + "\":{\"class_type\":\"A\"}";
  }
  EXPECT_EQ(parse_error(text + "}"), "the workflow has 5001 nodes; at most 5000 are read");
}

TEST(Workflow, TellsLinksFromValues) {
  const auto link = [](const char* text) { return as_link(*parse_json(text)); };
  ASSERT_TRUE(link(R"(["4",1])"));
  EXPECT_EQ(link(R"(["4",1])")->node, "4");
  EXPECT_EQ(link(R"(["4",1])")->slot, 1);
  EXPECT_EQ(link(R"(["4",1.0])")->slot, 1);
  EXPECT_EQ(link(R"(["4",-1])")->slot, -1);
  EXPECT_EQ(link(R"(["4",1e300])")->slot, -1);
  EXPECT_EQ(link(R"(["4",0.5])")->slot, -1);
  EXPECT_FALSE(link(R"([4,1])"));
  EXPECT_FALSE(link(R"(["4","1"])"));
  EXPECT_FALSE(link(R"(["4",1,2])"));
  EXPECT_FALSE(link(R"({"__value__":["4",1]})"));
}

TEST(Workflow, RecognisesItsForms) {
  const auto form = [](const char* text) { return detect_form(*parse_json(text)); };
  EXPECT_EQ(form(kTwoNodes), WorkflowForm::kApi);
  EXPECT_EQ(form(R"({"nodes":[],"links":[]})"), WorkflowForm::kEditor);
  EXPECT_EQ(form(R"({"prompt":{"1":{"class_type":"A"}}})"), WorkflowForm::kRequest);
  EXPECT_EQ(form(R"({"a":1})"), WorkflowForm::kUnknown);
  EXPECT_EQ(form("[]"), WorkflowForm::kUnknown);
  // A node may be called "prompt" or "nodes".
  EXPECT_EQ(form(R"({"prompt":{"class_type":"A"}})"), WorkflowForm::kApi);
  EXPECT_EQ(form(R"({"nodes":{"class_type":"A"}})"), WorkflowForm::kApi);
}

// Each row: an assignment, and the value that the input has then, or the error.
struct AssignRow {
  const char* assignment;
  const char* node;
  const char* input;
  const char* expected;
};

class Assign : public ::testing::TestWithParam<AssignRow> {};

constexpr const char* kAssignable =
    R"({"1":{"class_type":"Box","inputs":{"value":1}},
        "2":{"class_type":"Box","inputs":{"value":2},"_meta":{"title":"Second v1.5"}},
        "12.0.1":{"class_type":"Everything","inputs":{}},
        "4":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"a"}},
        "5":{"class_type":"KSamplr","inputs":{}}})";

TEST_P(Assign, SetsOrExplains) {
  const AssignRow& row = GetParam();
  Workflow workflow = parse(kAssignable);
  const NodeRegistry registry = testing::make_test_registry();
  const Status status = assign(workflow, registry, row.assignment);
  if (!row.node) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message(), row.expected);
    return;
  }
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_EQ(workflow.find(row.node)->inputs().at(row.input).dump(), row.expected);
}

const AssignRow kAssignments[] = {
    {"1.value=3", "1", "value", "3.0"},
    {"Second v1.5.value=-2.5", "2", "value", "-2.5"},
    {"12.0.1.steps=30", "12.0.1", "steps", "30"},
    {"Everything.seed=18446744073709551615", "12.0.1", "seed", "18446744073709551615"},
    {"Everything.flag=false", "12.0.1", "flag", "false"},
    {"Everything.flag=off", "12.0.1", "flag", "false"},
    {"Everything.text=20", "12.0.1", "text", "\"20\""},
    {"Everything.text=a=b [c]", "12.0.1", "text", "\"a=b [c]\""},
    {"Everything.text=", "12.0.1", "text", "\"\""},
    {"Everything.sampler=heun", "12.0.1", "sampler", "\"heun\""},
    {"Everything.weights=[0.1,0.2]", "12.0.1", "weights", "[0.1,0.2]"},
    {"Save.box=[\"2\", 0]", "4", "box", "[\"2\",0]"},
    {"Everything.steps=abc", nullptr, nullptr,
     "node 12.0.1 (Everything), input \"steps\": wanted a whole number, found \"abc\""},
    {"Save.box=7", nullptr, nullptr,
     "node 4 (Save), input \"box\": wanted a link to a BOX output, such as [\"4\", 0], found '7'"},
    {"Box.value=1", nullptr, nullptr, "2 nodes have the class 'Box'; say which by id: '1', '2'"},
    {"Sav.prefix=x", nullptr, nullptr,
     "no node has the id, title or class 'Sav'; the nearest is 'Save'"},
    {"zzzzzzzz.x=1", nullptr, nullptr,
     "no node has the id, title or class 'zzzzzzzz'; there are '1 Box', '2 Box', '12.0.1 "
     "Everything', "
     "'4 Save', '5 KSamplr'"},
    {"Everything.stps=1", nullptr, nullptr,
     "node 12.0.1 (Everything): there is no input 'stps'; the nearest is 'steps'"},
    {"4.zzzzzz=1", nullptr, nullptr,
     "node 4 (Save): there is no input 'zzzzzz'; there are 'box', 'prefix'"},
    {"5.steps=1", nullptr, nullptr, "node 5 (KSamplr): no node type 'KSamplr'"},
    {"1.value", nullptr, nullptr, "wanted node.input=value, found no equals sign in '1.value'"},
    {"value=1", nullptr, nullptr, "wanted node.input=value, found no dot in 'value'"},
    {".value=1", nullptr, nullptr,
     "no node has the id, title or class ''; there are '1 Box', '2 Box', '12.0.1 Everything', '4 "
     "Save', "
     "'5 KSamplr'"},
};
INSTANTIATE_TEST_SUITE_P(Rows, Assign, ::testing::ValuesIn(kAssignments));

}  // namespace
}  // namespace obscura::graph
