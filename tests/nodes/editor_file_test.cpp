// A file as ComfyUI's editor saves it: tests/golden/editor_subgraphs.json was made in the library
// that draws its graphs (@comfyorg/litegraph 0.17.2), with the API form that the library comes to.
// It has a subgraph within a subgraph, values on the nodes of both, renamed slots and a bend in a
// wire.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "graph/node_registry.h"
#include "graph/workflow_file.h"
#include "test_paths.h"

namespace obscura::nodes {
namespace {

using nlohmann::json;

TEST(EditorFile, MeansWhatTheEditorRuns) {
  const std::string path = source_path("tests/golden/editor_subgraphs.json").string();
  auto text = read_file(path, std::size_t{1} << 20);
  ASSERT_TRUE(text.ok()) << text.error().message();
  const json golden = json::parse(*text);
  auto read = graph::read_workflow(golden.at("file").dump(), graph::NodeRegistry::builtin());
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_TRUE(read->warnings.empty());
  json found = json::parse(read->workflow.to_json().dump());
  for (json& node : found) node.erase("_meta");
  EXPECT_EQ(found, golden.at("prompt")) << json::diff(golden.at("prompt"), found).dump(1);
}

}  // namespace
}  // namespace obscura::nodes
