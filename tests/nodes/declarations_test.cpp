// Every node that ComfyUI has too is declared as ComfyUI 0.3.64 declares it.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "graph/node_registry.h"
#include "graph/object_info.h"
#include "library/input_folder.h"
#include "library/model_folders.h"
#include "nodes/comfyui_nodes.h"

namespace obscura::nodes {
namespace {

using nlohmann::ordered_json;

// Nodes that only Obscura has.
const std::set<std::string> kOwn = {"LatentSeeds",      "VariationNoise",   "WebUIPrompt",
                                    "GridAxes",         "ImageGrid",        "SaveImageFormat",
                                    "LoraLoaderBlocks", "SkipLayerGuidance"};

// Keys of an input's options that ComfyUI does not declare, or that its dump left out, and why they
// may be there.
const std::map<std::string, std::string> kOwnOptions = {
    {"tooltip", "help is ours"},
    {"display", "a hint to the form, which the dump left out"},
};

struct Environments {
  Environments() {
    environment.provide(models);
    environment.provide(input);
  }
  library::ModelFolders models;
  library::InputFolder input{"/nonexistent"};
  graph::Environment environment;
};

void compare_option(const std::string& place, const std::string& key, const ordered_json& ours,
                    const ordered_json& theirs) {
  bool same = ours.is_number() && theirs.is_number()
                  ? ours.get<double>() == theirs.get<double>()  // 1 and 1.0 are one default
                  : ours == theirs;
  EXPECT_TRUE(same) << place << ": option " << key << " is " << ours << ", ComfyUI has " << theirs;
}

// A list of files differs from machine to machine; its dump says where it comes from.
bool is_file_list(const ordered_json& choices) {
  return choices.is_array() && !choices.empty() && choices[0].is_string() &&
         choices[0].get_ref<const std::string&>().starts_with('<');
}

// ComfyUI's newer nodes write the choices among the options, its older ones in place of the type;
// its server accepts both, and sends both.
ordered_json choices_or_type(const ordered_json& input) {
  return input[0] == "COMBO" ? input[1]["options"] : input[0];
}

void compare_input(const std::string& place, const ordered_json& ours, const ordered_json& theirs) {
  const ordered_json wanted = choices_or_type(theirs);
  if (!is_file_list(wanted)) {
    EXPECT_EQ(ours[0], wanted) << place;
  }
  for (const auto& [key, value] : theirs[1].items()) {
    if (key == "options") continue;
    ASSERT_TRUE(ours[1].contains(key)) << place << " lacks the option " << key;
    compare_option(place, key, ours[1][key], value);
  }
  for (const auto& [key, value] : ours[1].items()) {
    EXPECT_TRUE(theirs[1].contains(key) || kOwnOptions.contains(key))
        << place << ": option " << key << " = " << value << " is not ComfyUI's";
  }
}

std::vector<std::string> keys_of(const ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

void compare_node(const std::string& id, const ordered_json& ours, const ordered_json& theirs) {
  for (const char* section : {"required", "optional"}) {
    const ordered_json none = ordered_json::object();
    const ordered_json& a = ours["input"].contains(section) ? ours["input"][section] : none;
    const ordered_json& b = theirs["input"].contains(section) ? theirs["input"][section] : none;
    ASSERT_EQ(keys_of(a), keys_of(b)) << id << ": names and order of the " << section << " inputs";
    for (const auto& [name, spec] : b.items()) compare_input(id + "." + name, a[name], spec);
  }
  const ordered_json none = ordered_json::object();
  EXPECT_EQ(keys_of(ours["input"].contains("hidden") ? ours["input"]["hidden"] : none),
            theirs["hidden"].get<std::vector<std::string>>())
      << id;
  EXPECT_EQ(ours["output"], theirs["output"]) << id;
  EXPECT_EQ(ours["output_name"], theirs["output_name"]) << id;
  EXPECT_EQ(ours["output_is_list"], theirs["output_is_list"]) << id;
  EXPECT_EQ(ours["output_node"], theirs["output_node"]) << id;
  EXPECT_EQ(ours["category"], theirs["category"]) << id;
  EXPECT_EQ(ours.value("deprecated", false), theirs["deprecated"].get<bool>()) << id;
  EXPECT_EQ(ours.value("experimental", false), theirs["experimental"].get<bool>()) << id;
}

TEST(Declarations, AgreeWithComfyUi) {
  Environments given;
  int compared = 0;
  for (const auto& [id, type] : graph::NodeRegistry::builtin().types()) {
    if (kOwn.contains(id)) continue;
    ASSERT_TRUE(comfyui_nodes().contains(id))
        << id << " is neither ComfyUI's nor listed as our own";
    compare_node(id, graph::object_info(type, given.environment), comfyui_nodes()[id]);
    ++compared;
  }
  EXPECT_GE(compared, 170);
}

TEST(Declarations, TellWhatEachNodeIsFor) {
  for (const auto& [id, type] : graph::NodeRegistry::builtin().types()) {
    EXPECT_FALSE(type.description().empty()) << id;
    EXPECT_FALSE(comfyui_nodes().contains(id) && kOwn.contains(id)) << id << " is not our own";
  }
}

}  // namespace
}  // namespace obscura::nodes
