// Nodes that make a model of two.
#include <fmt/format.h>

#include "graph/node_registry.h"
#include "nodes/sockets.h"
#include "pipeline/merged.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::MixWeights;

Result<NodeResult> models(const NodeCall& call, const pipeline::MixRule& rule,
                          const std::string& text) {
  OBSCURA_ASSIGN(auto model,
                 pipeline::mixed(call.share<pipeline::DiffusionModel>("model1"),
                                 call.share<pipeline::DiffusionModel>("model2"), rule, text));
  return NodeResult{Value::handle("MODEL", std::move(model))};
}

Result<NodeResult> models(const NodeCall& call, const MixWeights& weights) {
  return models(
      call, [=](std::string_view) { return weights; },
      fmt::format("{} and {}", weights.first, weights.second));
}

Result<NodeResult> encoders(const NodeCall& call, const MixWeights& weights) {
  OBSCURA_ASSIGN(auto text, pipeline::mixed(call.share<pipeline::TextEncoders>("clip1"),
                                            call.share<pipeline::TextEncoders>("clip2"), weights));
  return NodeResult{Value::handle("CLIP", std::move(text))};
}

// `ratio` is the first model's share.
MixWeights shares(double ratio) {
  return {ratio, 1 - ratio};
}

Result<NodeResult> merge(NodeCall& call) {
  return models(call, shares(call.get<double>("ratio")));
}

Result<NodeResult> merge_add(NodeCall& call) {
  return models(call, {1, 1});
}

Result<NodeResult> merge_subtract(NodeCall& call) {
  const auto multiplier = call.get<double>("multiplier");
  return models(call, {multiplier, -multiplier});
}

Result<NodeResult> merge_encoders(NodeCall& call) {
  return encoders(call, shares(call.get<double>("ratio")));
}

Result<NodeResult> add_encoders(NodeCall& call) {
  return encoders(call, {1, 1});
}

Result<NodeResult> subtract_encoders(NodeCall& call) {
  const auto multiplier = call.get<double>("multiplier");
  return encoders(call, {multiplier, -multiplier});
}

// Every input that is a number is the first model's share of the tensors whose names begin with the
// input's; the longest such name counts, and the first input where there is none.
Result<NodeResult> merge_blocks(NodeCall& call) {
  std::vector<std::pair<std::string, double>> ratios;
  std::string text;
  for (const NodeInputs::Entry& entry : call.entries()) {
    if (entry.values.empty() || !entry.values.front().holds<double>()) continue;
    ratios.emplace_back(entry.name, entry.values.front().get<double>());
    text += fmt::format(" {}={}", entry.name, ratios.back().second);
  }
  auto rule = [ratios](std::string_view tensor) {
    const auto* best = &ratios.front();
    std::size_t length = 0;
    for (const auto& ratio : ratios) {
      if (!tensor.starts_with(ratio.first) || ratio.first.size() <= length) continue;
      best = &ratio;
      length = ratio.first.size();
    }
    return shares(best->second);
  };
  return models(call, rule, "blocks" + text);
}

InputSpec ratio_input(const char* name = "ratio") {
  return number(name, 1.0).range(0.0, 1.0).step(0.01);
}

// The blocks of one family of U-Nets as inputs.
NodeType by_blocks(const char* id, const char* family, int blocks, const char* dot) {
  NodeType type(id);
  type.label(id)
      .category("advanced/model_merging/model_specific")
      .description(std::string("Mixes two models of the ") + family +
                   " family, each block in its own ratio.")
      .input(socket("model1", "MODEL"))
      .input(socket("model2", "MODEL"));
  auto share = [&](const std::string& name) { type.input(ratio_input(name.c_str())); };
  share("time_embed.");
  share("label_emb.");
  for (int i = 0; i < blocks; ++i) share("input_blocks." + std::to_string(i) + dot);
  for (int i = 0; i < 3; ++i) share("middle_block." + std::to_string(i) + dot);
  for (int i = 0; i < blocks; ++i) share("output_blocks." + std::to_string(i) + dot);
  share("out.");
  return type.output("MODEL").run(merge_blocks);
}

// A node of two models, or of the text encoders of two.
NodeType merge_node(const char* id, const char* description, const std::string& input,
                    const char* type) {
  NodeType node(id);
  node.label(id)
      .category("advanced/model_merging")
      .description(description)
      .input(socket(input + "1", type))
      .input(socket(input + "2", type))
      .output(type);
  return node;
}

NodeType model_merge(const char* id, const char* description) {
  return merge_node(id, description, "model", "MODEL");
}

NodeType encoder_merge(const char* id, const char* description) {
  return merge_node(id, description, "clip", "CLIP");
}

InputSpec multiplier_input() {
  return number("multiplier", 1.0).range(-10.0, 10.0).step(0.01);
}

const RegisterNode kModelMergeSimple{
    model_merge("ModelMergeSimple", "Mixes two models.").input(ratio_input()).run(merge)};

const RegisterNode kModelMergeBlocks{
    model_merge("ModelMergeBlocks",
                "Mixes two models, the halves of the U-Net each in its own ratio.")
        .input(ratio_input("input"))
        .input(ratio_input("middle"))
        .input(ratio_input("out"))
        .run(merge_blocks)};

const RegisterNode kModelMergeSubtract{
    model_merge("ModelMergeSubtract", "The difference of two models.")
        .input(multiplier_input())
        .run(merge_subtract)};

const RegisterNode kModelMergeAdd{
    model_merge("ModelMergeAdd", "Adds a difference to a model.").run(merge_add)};

const RegisterNode kCLIPMergeSimple{
    encoder_merge("CLIPMergeSimple", "Mixes the text encoders of two models.")
        .input(ratio_input())
        .run(merge_encoders)};

const RegisterNode kCLIPMergeSubtract{
    encoder_merge("CLIPMergeSubtract", "The difference of two models' text encoders.")
        .input(multiplier_input())
        .run(subtract_encoders)};

const RegisterNode kCLIPMergeAdd{
    encoder_merge("CLIPMergeAdd", "Adds a difference to text encoders.").run(add_encoders)};

const RegisterNode kModelMergeSD1{by_blocks("ModelMergeSD1", "SD 1", 12, ".")};
const RegisterNode kModelMergeSD2{by_blocks("ModelMergeSD2", "SD 2", 12, ".")};
const RegisterNode kModelMergeSDXL{by_blocks("ModelMergeSDXL", "SDXL", 9, "")};

}  // namespace
}  // namespace obscura::nodes
