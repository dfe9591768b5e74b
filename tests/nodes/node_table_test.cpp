// docs/nodes.md: every node of ComfyUI's core and what became of it here. The file is made by this
// test and compared with what is committed; `OBSCURA_WRITE_DOCS=1 nodes_tests
// --gtest_filter=NodeTable.*` writes it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "base/files.h"
#include "graph/node_registry.h"
#include "nodes/comfyui_nodes.h"
#include "test_paths.h"

namespace obscura::nodes {
namespace {

using nlohmann::ordered_json;

// Nodes that this program has no use for, and why.
const std::map<std::string, std::string> kNotApplicable = {
    {"CheckpointLoader", "configuration files name Python classes; the file's own tensors say all"},
    {"unCLIPCheckpointLoader", "unCLIP models are of Stable Diffusion 2.1 alone"},
    {"unCLIPConditioning", "unCLIP models are of Stable Diffusion 2.1 alone"},
    {"SD_4XUpscale_Conditioning", "the 4x upscaler is a model of Stable Diffusion 2 alone"},
    {"ControlNetApplySD3", "deprecated, and of another family of models"},
    {"DiffControlNetLoader", "for a kind of file that nobody made for SDXL"},
    {"TorchCompileModel", "networks are always compiled"},
    {"ModelComputeDtype", "the precision is that of the session: `--precision`"},
    {"WebcamCapture", "takes its image in ComfyUI's own page"},
    {"SaveImageWebsocket", "`obscura serve` sends every saved image to who asks for it"},
    {"LossGraphNode", "draws what TrainLoraNode returns"},
    {"CreateHookKeyframesFromFloats", "no node of the core makes the FLOATS that it takes"},
};

// Nodes that it would have a use for, and what is in the way.
const std::map<std::string, std::string> kBlocked = {
    {"GITSScheduler",
     "its sigmas were fitted to Stable Diffusion 1.5 by experiment; the "
     "table is published only inside a program under the GPL"},
};

std::string read_or_empty(const std::string& path) {
  auto text = read_file(path);
  return text.ok() ? *text : "";
}

std::string in_source(const char* path) {
  return source_path(path).string();
}

// A cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::string sockets(const graph::NodeType& type) {
  std::string text;
  for (const graph::InputSpec& input : type.inputs()) {
    text += (text.empty() ? "" : ", ") + input.name();
    if (!input.required()) text += "?";
  }
  text += " → ";
  for (std::size_t i = 0; i < type.outputs().size(); ++i)
    text += (i == 0 ? "" : ", ") + type.outputs()[i].type;
  if (type.outputs().empty()) text += "a file or a view";
  return text;
}

struct Count {
  int done = 0, not_applicable = 0, later = 0;
};

std::string table(Count& count) {
  const auto& types = graph::NodeRegistry::builtin().types();
  std::string done, other, own;
  for (const auto& [id, node] : comfyui_nodes().items()) {
    const graph::NodeType* type = graph::NodeRegistry::builtin().find(id);
    if (type != nullptr) {
      ++count.done;
      done +=
          "| `" + id + "` | " + cell(sockets(*type)) + " | " + cell(type->description()) + " |\n";
    } else if (auto reason = kNotApplicable.find(id); reason != kNotApplicable.end()) {
      ++count.not_applicable;
      other += "| `" + id + "` | not applicable: " + cell(reason->second) + " |\n";
    } else {
      ++count.later;
      auto obstacle = kBlocked.find(id);
      other += "| `" + id + "` | later" +
               (obstacle == kBlocked.end() ? "" : ": " + cell(obstacle->second)) + " |\n";
    }
  }
  for (const auto& [id, type] : types) {
    if (comfyui_nodes().contains(id)) continue;
    own += "| `" + id + "` | " + cell(sockets(type)) + " | " + cell(type.description()) + " |\n";
  }
  return "# Nodes\n\nEvery node of ComfyUI 0.3.64's core and what became of it here: " +
         std::to_string(count.done) + " of " + std::to_string(comfyui_nodes().size()) +
         " are there, with ComfyUI's names, order, types, defaults and limits; " +
         std::to_string(count.not_applicable) + " do not apply; " + std::to_string(count.later) +
         " are still to come.\n\nThis file is made by `nodes_tests`: `OBSCURA_WRITE_DOCS=1 "
         "nodes_tests --gtest_filter='NodeTable.*'` writes it anew.\n\n## There\n\n"
         "| node | inputs → outputs | what it does |\n| --- | --- | --- |\n" +
         done +
         "\n## Obscura's own\n\n| node | inputs → outputs | what it does |\n| --- | --- | "
         "--- |\n" +
         own + "\n## Not there\n\n| node | why |\n| --- | --- |\n" + other;
}

TEST(NodeTable, IsWhatIsCommitted) {
  Count count;
  const std::string made = table(count);
  const std::string path = in_source("docs/nodes.md");
  if (std::getenv("OBSCURA_WRITE_DOCS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, made).ok());
  }
  EXPECT_EQ(read_or_empty(path), made) << "docs/nodes.md is old";
  EXPECT_GE(count.done, 170);
}

TEST(NodeTable, GivesReasonsOnlyForNodesThatAreNotThere) {
  for (const auto& [id, reason] : kNotApplicable) {
    EXPECT_TRUE(comfyui_nodes().contains(id)) << id;
    EXPECT_EQ(graph::NodeRegistry::builtin().find(id), nullptr) << id << " is there";
  }
}

}  // namespace
}  // namespace obscura::nodes
