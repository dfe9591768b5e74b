// Nodes that scale the projections of attention, to find out what a layer does.
#include <fmt/format.h>

#include <array>

#include "graph/node_registry.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"
#include "pipeline/merged.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::TextEncoders;

struct Factors {
  float q, k, v, out;
  std::string text() const { return fmt::format("{} {} {} {}", q, k, v, out); }
};

Factors factors_of(const NodeCall& call) {
  auto factor = [&](const char* input) { return static_cast<float>(call.get<double>(input)); };
  return {factor("q"), factor("k"), factor("v"), factor("out")};
}

// The factors of a tensor by the projection that it belongs to: those of `layer` by their own
// names, and those of PyTorch's merged projection, q, k and v below one another.
pipeline::ScaleRule by_projection(const Factors& factors,
                                  const std::array<std::string, 4>& projections) {
  return [=](std::string_view tensor) -> std::vector<float> {
    auto is_of = [&](const std::string& projection) {
      return tensor.ends_with(projection + ".weight") || tensor.ends_with(projection + ".bias");
    };
    const std::array<float, 4> own = {factors.q, factors.k, factors.v, factors.out};
    for (std::size_t i = 0; i < own.size(); ++i)
      if (is_of(projections[i])) return {own[i]};
    if (tensor.ends_with("in_proj_weight") || tensor.ends_with("in_proj_bias"))
      return {factors.q, factors.k, factors.v};
    return {};
  };
}

// `layer` is "attn1", the attention to itself, or "attn2", that to the prompt.
NodeBody unet_attention(const std::string& layer) {
  return [=](NodeCall& call) -> Result<NodeResult> {
    const Factors factors = factors_of(call);
    const auto rule = by_projection(
        factors, {layer + ".to_q", layer + ".to_k", layer + ".to_v", layer + ".to_out.0"});
    return changed_model(call, [&](pipeline::DiffusionModel& model) {
      model.weights = pipeline::scaled(model.weights, rule, layer + " " + factors.text());
    });
  };
}

Result<NodeResult> clip_attention(NodeCall& call) {
  const Factors factors = factors_of(call);
  const auto rule =
      by_projection(factors, {"attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj"});
  return changed<TextEncoders>(call, "clip", "CLIP", [&](TextEncoders& text) {
    for (pipeline::TextEncoder& encoder : text.all)
      encoder.weights = pipeline::scaled(encoder.weights, rule, "attention " + factors.text());
  });
}

// What the nodes have in common, behind the input `type`.
NodeType& attention_scale_node(NodeType& node, const char* input, const char* type) {
  node.category("_for_testing/attention_experiments").input(socket(input, type));
  for (const char* factor : {"q", "k", "v", "out"})
    node.input(number(factor, 1.0).range(0.0, 10.0).step(0.01));
  return node.output(type).experimental();
}

const RegisterNode kUNetSelfAttentionMultiply{attention_scale_node(
    NodeType("UNetSelfAttentionMultiply")
        .label("UNetSelfAttentionMultiply")
        .description("Scales the projections of the U-Net's attention to itself.")
        .run(unet_attention("attn1")),
    "model", "MODEL")};

const RegisterNode kUNetCrossAttentionMultiply{attention_scale_node(
    NodeType("UNetCrossAttentionMultiply")
        .label("UNetCrossAttentionMultiply")
        .description("Scales the projections of the U-Net's attention to the prompt.")
        .run(unet_attention("attn2")),
    "model", "MODEL")};

const RegisterNode kCLIPAttentionMultiply{
    attention_scale_node(NodeType("CLIPAttentionMultiply")
                             .label("CLIPAttentionMultiply")
                             .description("Scales the projections of the text encoders' attention.")
                             .run(clip_attention),
                         "clip", "CLIP")};

}  // namespace
}  // namespace obscura::nodes
