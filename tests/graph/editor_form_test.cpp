#include "graph/editor_form.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "graph/json_text.h"
#include "graph/test_nodes.h"
#include "graph/workflow_file.h"

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
  std::ifstream file(std::string(OBSCURA_SOURCE_DIR) + "/tests/fuzz/corpus/workflow/subgraph.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(convert(text),
            R"({"1":{"inputs":{"value":2,"payload":0},"class_type":"Box"},)"
            R"("12:5":{"inputs":{"scale":3,"a":["1",0],"b":["1",0]},"class_type":"Add"},)"
            R"("4":{"inputs":{"prefix":"p","box":["12:5",0]},"class_type":"Save"}})");
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

TEST(WorkflowFile, KeepsTheEditorsDocumentForThePicture) {
  const NodeRegistry registry = testing::make_test_registry();
  const char* text = R"({"nodes":[{"id":1,"type":"Box","pos":[1,2]}],"links":[]})";
  auto file = read_workflow(text, registry);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->extra_pnginfo["workflow"].dump(), text);
}

}  // namespace
}  // namespace obscura::graph
