// Nodes that scale the projections of attention, to find out what a layer does.
#include <fmt/format.h>

#include <array>

#include "graph/node_registry.h"
#include "nodes/sockets.h"
#include "pipeline/merged.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;

struct Factors {
  float q, k, v, out;
  std::string text() const { return fmt::format("{} {} {} {}", q, k, v, out); }
};

Factors factors_of(const NodeCall& call) {
  auto factor = [&](const char* input) { return static_cast<float>(call.get<double>(input)); };
  return {factor("q"), factor("k"), factor("v"), factor("out")};
}

// The factor of a tensor that ends with one of four names; 1 for all others.
auto by_ending(const Factors& factors, const std::array<std::string, 4>& endings) {
  return [=](std::string_view tensor) -> float {
    if (tensor.ends_with(endings[0])) return factors.q;
    if (tensor.ends_with(endings[1])) return factors.k;
    if (tensor.ends_with(endings[2])) return factors.v;
    return tensor.ends_with(endings[3]) ? factors.out : 1;
  };
}

NodeResult unet_attention(const NodeCall& call, const std::string& layer) {
  const Factors factors = factors_of(call);
  auto model = std::make_shared<DiffusionModel>(call.get<DiffusionModel>("model"));
  model->weights =
      pipeline::scaled(model->weights,
                       by_ending(factors, {layer + ".to_q.weight", layer + ".to_k.weight",
                                           layer + ".to_v.weight", layer + ".to_out.0.weight"}),
                       layer + " " + factors.text());
  return NodeResult{Value::handle<DiffusionModel>("MODEL", std::move(model))};
}

Result<NodeResult> self_attention(NodeCall& call) {
  return unet_attention(call, "attn1");
}

Result<NodeResult> cross_attention(NodeCall& call) {
  return unet_attention(call, "attn2");
}

const RegisterNode kUNetSelfAttentionMultiply{
    NodeType("UNetSelfAttentionMultiply")
        .label("UNetSelfAttentionMultiply")
        .category("_for_testing/attention_experiments")
        .description("Scales the projections of the U-Net's attention to itself.")
        .input(socket("model", "MODEL"))
        .input(number("q", 1.0).range(0.0, 10.0).step(0.01))
        .input(number("k", 1.0).range(0.0, 10.0).step(0.01))
        .input(number("v", 1.0).range(0.0, 10.0).step(0.01))
        .input(number("out", 1.0).range(0.0, 10.0).step(0.01))
        .output("MODEL")
        .experimental()
        .run(self_attention)};

const RegisterNode kUNetCrossAttentionMultiply{
    NodeType("UNetCrossAttentionMultiply")
        .label("UNetCrossAttentionMultiply")
        .category("_for_testing/attention_experiments")
        .description("Scales the projections of the U-Net's attention to the prompt.")
        .input(socket("model", "MODEL"))
        .input(number("q", 1.0).range(0.0, 10.0).step(0.01))
        .input(number("k", 1.0).range(0.0, 10.0).step(0.01))
        .input(number("v", 1.0).range(0.0, 10.0).step(0.01))
        .input(number("out", 1.0).range(0.0, 10.0).step(0.01))
        .output("MODEL")
        .experimental()
        .run(cross_attention)};

}  // namespace
}  // namespace obscura::nodes
