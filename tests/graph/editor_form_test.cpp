#include "graph/editor_form.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "graph/json_text.h"
#include "graph/test_nodes.h"
#include "graph/workflow_file.h"
#include "test_paths.h"

namespace obscura::graph {
namespace {

class EditorFormTest : public ::testing::Test {
 protected:
  // The API form as one line, or the error.
  std::string convert(std::string_view nodes_and_links) {
    auto file = read_workflow(nodes_and_links, registry_);
    if (!file.ok()) return file.error().message();
    warnings_ = file->warnings;
    return file->workflow.to_json().dump();
  }
  NodeRegistry registry_ = testing::make_test_registry();
  std::vector<std::string> warnings_;
};

TEST_F(EditorFormTest, ReadsWidgetsByPositionAndSkipsTheBrowsers) {
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":3,"type":"Everything","title":"All","mode":0,"inputs":[],"outputs":[],
      "widgets_values":[25,7,"randomize",8.5,"heun","base.safetensors","fixed",false,4]}],"links":[]})"),
      R"({"3":{"inputs":{"steps":25,"seed":7,"cfg":8.5,"sampler":"heun","model":"base.safetensors",)"
      R"("text":"fixed","flag":false,"even":4},"class_type":"Everything","_meta":{"title":"All"}}})");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(EditorFormTest, ReadsWidgetsByName) {
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":3,"type":"Box","widgets_values":{"value":2,"preview":{}}}],"links":[]})"),
      R"({"3":{"inputs":{"value":2},"class_type":"Box"}})");
}

TEST_F(EditorFormTest, SkipsTheUploadButton) {
  registry_.add(NodeType("Load")
                    .input(choice("image", {"a.png"}).image_upload())
                    .input(choice("channel", {"alpha", "red"}))
                    .optional(integer("n", 0))
                    .run([](NodeCall&) -> Result<NodeResult> { return NodeResult(); }));
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":1,"type":"Load","widgets_values":["a.png","red","image",5]}],"links":[]})"),
      R"({"1":{"inputs":{"image":"a.png","channel":"red","n":5},"class_type":"Load"}})");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(EditorFormTest, WarnsWhereTheCountOfWidgetsIsOff) {
  convert(R"({"nodes":[{"id":1,"type":"Box","widgets_values":[1,2,3]}],"links":[]})");
  EXPECT_EQ(warnings_,
            std::vector<std::string>{
                "node 1 (Box): the file has 3 widget values, the declaration has 2 widgets"});
}

// Nodes 1 (Box) → 2 (the node under test) → 3 (Save).
std::string around(std::string_view second) {
  return R"({"nodes":[{"id":1,"type":"Box","outputs":[{"type":"BOX","links":[1]}],"widgets_values":[1,0]},)" +
         std::string(second) +
         R"(,{"id":3,"type":"Save","inputs":[{"name":"box","type":"BOX","link":2}],"widgets_values":["p"]}],
            "links":[[1,1,0,2,0,"BOX"],[2,2,0,3,0,"BOX"]],"groups":[{"title":"g"}]})";
}

const std::string kBox = R"("1":{"inputs":{"value":1,"payload":0},"class_type":"Box"})";

TEST_F(EditorFormTest, FollowsReroutes) {
  EXPECT_EQ(convert(around(R"({"id":2,"type":"Reroute","inputs":[{"name":"","type":"*","link":1}],
                               "outputs":[{"type":"BOX"}]})")),
            "{" + kBox + R"(,"3":{"inputs":{"prefix":"p","box":["1",0]},"class_type":"Save"}})");
}

TEST_F(EditorFormTest, LeadsAroundBypassedNodes) {
  EXPECT_EQ(convert(around(
                R"({"id":2,"type":"Add","mode":4,"inputs":[{"name":"x","type":"INT","link":null},
                               {"name":"a","type":"BOX","link":1}],"outputs":[{"type":"BOX"}],"widgets_values":[1]})")),
            "{" + kBox + R"(,"3":{"inputs":{"prefix":"p","box":["1",0]},"class_type":"Save"}})");
}

TEST_F(EditorFormTest, DropsMutedNodesAndTheirLinks) {
  EXPECT_EQ(
      convert(around(R"({"id":2,"type":"Add","mode":2,"inputs":[{"name":"a","type":"BOX","link":1}],
                               "outputs":[{"type":"BOX"}]})")),
      "{" + kBox + R"(,"3":{"inputs":{"prefix":"p"},"class_type":"Save"}})");
}

TEST_F(EditorFormTest, PutsPrimitivesIntoTheInputsTheyFeed) {
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":1,"type":"PrimitiveNode","outputs":[{"type":"FLOAT","links":[1,2]}],
        "widgets_values":[2.5,"fixed"]},{"id":4,"type":"Note","widgets_values":["hello"]},
        {"id":2,"type":"Box","inputs":[{"name":"value","type":"FLOAT","widget":{"name":"value"},"link":1}],
         "widgets_values":[0,0]}],"links":[[1,1,0,2,0,"FLOAT"]]})"),
      R"({"2":{"inputs":{"value":2.5,"payload":0},"class_type":"Box"}})");
}

TEST_F(EditorFormTest, ExpandsSubgraphs) {
  std::ifstream file(source_path("tests/fuzz/corpus/workflow/subgraph.json").string());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(convert(text),
            R"({"1":{"inputs":{"value":2,"payload":0},"class_type":"Box"},)"
            R"("12:5":{"inputs":{"scale":3,"a":["1",0],"b":["1",0]},"class_type":"Add"},)"
            R"("4":{"inputs":{"prefix":"p","box":["12:5",0]},"class_type":"Save"}})");
}

// A Box in the subgraph "in", whose field value is its input; beside it, an Add and a primitive
// that feeds the payload of the Box. "out" holds one node of "in", and hands its scale on.
std::string promoted(std::string_view nodes) {
  return R"({"nodes":[)" + std::string(nodes) + R"(],"links":[],"definitions":{"subgraphs":[
    {"id":"in","inputs":[{"name":"value","type":"FLOAT","linkIds":[1]}],
     "nodes":[{"id":5,"type":"Box","inputs":[
                {"name":"value","type":"FLOAT","widget":{"name":"value"},"link":1},
                {"name":"payload","type":"INT","widget":{"name":"payload"},"link":2}],
               "widgets_values":[1,0]},
              {"id":6,"type":"PrimitiveNode","outputs":[{"type":"INT","links":[2]}],"widgets_values":[7,"fixed"]},
              {"id":7,"type":"Add","widgets_values":[3]}],
     "links":[{"id":1,"origin_id":-10,"origin_slot":0,"target_id":5,"target_slot":0,"type":"FLOAT"},
              {"id":2,"origin_id":6,"origin_slot":0,"target_id":5,"target_slot":1,"type":"INT"}]},
    {"id":"out","nodes":[{"id":8,"type":"in","inputs":[
        {"name":"value","type":"FLOAT","widget":{"name":"value"},"link":null}],
        "properties":{"proxyWidgets":[["7","scale"],["-1","value"]]},"widgets_values":[4,2]}],"links":[]}]}})";
}

std::string box_and_add(const std::string& prefix, const char* value, const char* payload,
                        const char* scale) {
  return "{\"" + prefix + R"(:5":{"inputs":{"value":)" + value + R"(,"payload":)" + payload +
         R"(},"class_type":"Box"},")" + prefix + R"(:7":{"inputs":{"scale":)" + scale +
         R"(},"class_type":"Add"}})";
}

// A node of "in"; `rest` are its properties and values.
std::string inner(std::string_view rest) {
  return promoted(
      R"({"id":1,"type":"in","inputs":[{"name":"value","type":"FLOAT","widget":{"name":"value"},"link":null}],)" +
      std::string(rest) + "}");
}

TEST_F(EditorFormTest, GivesFieldsInsideTheValuesOfTheSubgraphsNode) {
  // By the place in the list: an input of the subgraph, a field inside, a primitive inside.
  EXPECT_EQ(
      convert(inner(R"("properties":{"proxyWidgets":[["7","scale"],["-1","value"],["6","value"]]},
                       "widgets_values":[9,2,8])")),
      box_and_add("1", "2", "8", "9"));
  // A field that an input of the subgraph feeds is that input, and may be shown first or last.
  EXPECT_EQ(convert(inner(R"("properties":{"proxyWidgets":[["7","scale"],["5","value"]]},
                             "widgets_values":[9,2])")),
            box_and_add("1", "2", "7", "9"));
}

TEST_F(EditorFormTest, LeavesFieldsInsideWhoseValuesWereNotKept) {
  EXPECT_EQ(
      convert(inner(R"("properties":{"proxyWidgets":[["7","scale"],["-1","value"],["6","value"]]},
                             "widgets_values":[null,2])")),
      box_and_add("1", "2", "7", "3"));
  // Editors of 2025 kept only the values of the inputs, whatever stands in the list.
  EXPECT_EQ(convert(inner(R"("properties":{"proxyWidgets":[["7","scale"]]},"widgets_values":[])")),
            box_and_add("1", "1", "7", "3"));
  // What is not there, is a preview, or cannot be the field's value.
  EXPECT_EQ(convert(inner(
                R"("properties":{"proxyWidgets":[["99","scale"],["7","$$preview"],["7","scale"],3]},
                             "widgets_values":[1,2,"text",4])")),
            box_and_add("1", "1", "7", "3"));
}

TEST_F(EditorFormTest, LetsTheOutermostSubgraphDecide) {
  const auto outer = [](std::string_view rest) {
    return promoted(R"({"id":1,"type":"out","inputs":[],)" + std::string(rest) + "}");
  };
  EXPECT_EQ(convert(outer(R"("properties":{})")), box_and_add("1:8", "2", "7", "4"));
  for (const char* field : {R"(["8","7: scale"])", R"(["8","scale"])", R"(["8","scale","7"])"}) {
    const std::string rest = R"("properties":{"proxyWidgets":[)" + std::string(field) +
                             R"(,["8","value"]]},"widgets_values":[5,6])";
    EXPECT_EQ(convert(outer(rest)), box_and_add("1:8", "6", "7", "5")) << field;
  }
}

TEST_F(EditorFormTest, SkipsTheControlAmongASubgraphsValues) {
  registry_.add(NodeType("Seeded")
                    .input(integer("seed", 0))
                    .input(integer("n", 0))
                    .run([](NodeCall&) -> Result<NodeResult> { return NodeResult(); }));
  const auto seeded = [&](const char* values) {
    return convert(
        R"({"nodes":[{"id":1,"type":"s","inputs":[{"name":"seed","type":"INT","widget":{"name":"seed"}},
        {"name":"n","type":"INT","widget":{"name":"n"}}],"widgets_values":)" +
        std::string(values) + R"(}],"links":[],"definitions":{"subgraphs":[{"id":"s",
        "nodes":[{"id":2,"type":"Seeded","inputs":[{"name":"seed","type":"INT","widget":{"name":"seed"},"link":1},
          {"name":"n","type":"INT","widget":{"name":"n"},"link":2}],"widgets_values":[0,"fixed",0]}],
        "links":[{"id":1,"origin_id":-10,"origin_slot":0,"target_id":2,"target_slot":0},
                 {"id":2,"origin_id":-10,"origin_slot":1,"target_id":2,"target_slot":1}]}]}})");
  };
  const char* wanted = R"({"1:2":{"inputs":{"seed":5,"n":6},"class_type":"Seeded"}})";
  EXPECT_EQ(seeded("[5,6]"), wanted);
  EXPECT_EQ(seeded(R"([5,"randomize",6])"), wanted);
}

TEST_F(EditorFormTest, RingsAndBombsEnd) {
  // Two reroutes that feed each other.
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":1,"type":"Reroute","inputs":[{"link":2}]},{"id":2,"type":"Reroute","inputs":[{"link":1}]},
      {"id":3,"type":"Save","inputs":[{"name":"box","type":"BOX","link":1}]}],"links":[[1,1,0,2,0,"*"],[2,2,0,1,0,"*"]]})"),
      R"({"3":{"inputs":{},"class_type":"Save"}})");
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":1,"type":"s"}],"links":[],"definitions":{"subgraphs":[{"id":"s","nodes":[
      {"id":1,"type":"s"}]}]}})"),
      "the editor's workflow nests subgraphs more than 16 deep");
  EXPECT_EQ(
      convert(
          R"({"nodes":[{"id":1,"type":"s"}],"links":[],"definitions":{"subgraphs":[{"id":"s","nodes":[
      {"id":1,"type":"t"},{"id":2,"type":"t"},{"id":3,"type":"t"},{"id":4,"type":"t"},{"id":5,"type":"t"},{"id":6,"type":"t"},
      {"id":7,"type":"t"},{"id":8,"type":"t"}]},{"id":"t","nodes":[
      {"id":1,"type":"s"},{"id":2,"type":"s"},{"id":3,"type":"s"},{"id":4,"type":"s"},{"id":5,"type":"s"},{"id":6,"type":"s"},
      {"id":7,"type":"s"},{"id":8,"type":"s"}]}]}})"),
      "the editor's workflow nests subgraphs more than 16 deep");
}

TEST_F(EditorFormTest, RefusesASubgraphUsedTooOften) {
  std::string text = R"({"links":[],"definitions":{"subgraphs":[{"id":"s","name":")" +
                     std::string(1 << 20, 'x') +
                     R"(","nodes":[{"id":1,"type":"Box"}]}]},"nodes":[)";
  for (int i = 0; i < 100; ++i)
    text += std::string(i ? "," : "") + R"({"id":)" + std::to_string(i) + R"(,"type":"s"})";
  EXPECT_EQ(convert(text + "]}"),
            "the editor's workflow is too large once its subgraphs are expanded");
}

TEST_F(EditorFormTest, NamesWhatIsBroken) {
  EXPECT_EQ(convert(R"({"nodes":[{"type":"Box"}]})"),
            "the editor's workflow has a node without an id");
  EXPECT_EQ(convert(R"({"nodes":[{"id":1}]})"), "the editor's workflow has no type for node '1'");
  EXPECT_EQ(convert(R"({"nodes":[{"id":1,"type":"A"},{"id":"1","type":"A"}]})"),
            "the editor's workflow has two nodes '1'");
  EXPECT_EQ(convert(R"({"nodes":[],"links":[[1]]})"),
            "the editor's workflow has a link without id or origin: [1]");
  EXPECT_EQ(convert(R"({"a":1})"),
            "wanted a workflow (nodes with class_type, or the editor's \"nodes\" and \"links\"), "
            "found an object "
            "with the keys 'a'");
}

TEST(WorkflowFile, ReadsARequest) {
  const NodeRegistry registry = testing::make_test_registry();
  auto file = read_workflow(R"({"prompt":{"1":{"class_type":"Box","inputs":{}}},"client_id":"c",
      "extra_data":{"extra_pnginfo":{"workflow":{"nodes":[]}}},"partial_execution_targets":["1"]})",
                            registry);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->form, WorkflowForm::kRequest);
  EXPECT_EQ(file->workflow.nodes().size(), 1u);
  EXPECT_EQ(file->extra_pnginfo.dump(), R"({"workflow":{"nodes":[]}})");
  EXPECT_EQ(file->targets, std::vector<std::string>{"1"});
}

TEST(WorkflowFile, KeepsTheEditorsDocumentForTheImage) {
  const NodeRegistry registry = testing::make_test_registry();
  const char* text = R"({"nodes":[{"id":1,"type":"Box","pos":[1,2]}],"links":[]})";
  auto file = read_workflow(text, registry);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->extra_pnginfo["workflow"].dump(), text);
}

}  // namespace
}  // namespace obscura::graph
