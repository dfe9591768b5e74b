// What leads the sampling: the guiders of SamplerCustomAdvanced.
#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Conditioning;
using pipeline::GuidanceKind;

NodeResult guider_with(const NodeCall& call, pipeline::Guidance guidance) {
  return NodeResult{Value::handle(
      "GUIDER", Guider{call.share<pipeline::DiffusionModel>("model"), std::move(guidance)})};
}

Result<NodeResult> cfg_guider(NodeCall& call) {
  return guider_with(call, {.positive = call.get<Conditioning>("positive"),
                            .negative = call.get<Conditioning>("negative"),
                            .third = {},
                            .cfg = call.get<double>("cfg")});
}

Result<NodeResult> basic_guider(NodeCall& call) {
  return guider_with(
      call,
      {.positive = call.get<Conditioning>("conditioning"), .negative = {}, .third = {}, .cfg = 1});
}

Result<NodeResult> dual_guider(NodeCall& call) {
  const bool nested = call.get<std::string>("style") == "nested";
  return guider_with(call, {.kind = nested ? GuidanceKind::kDualCfgNested : GuidanceKind::kDualCfg,
                            .positive = call.get<Conditioning>("cond1"),
                            .negative = call.get<Conditioning>("negative"),
                            .third = call.get<Conditioning>("cond2"),
                            .cfg = call.get<double>("cfg_conds"),
                            .second = call.get<double>("cfg_cond2_negative")});
}

Result<NodeResult> perp_neg_guider(NodeCall& call) {
  return guider_with(call, {.kind = GuidanceKind::kPerpNeg,
                            .positive = call.get<Conditioning>("positive"),
                            .negative = call.get<Conditioning>("negative"),
                            .third = call.get<Conditioning>("empty_conditioning"),
                            .cfg = call.get<double>("cfg"),
                            .second = call.get<double>("neg_scale")});
}

const RegisterNode kCFGGuider{
    NodeType("CFGGuider")
        .label("CFGGuider")
        .category("sampling/custom_sampling/guiders")
        .description("Leads towards the positive and away from the negative prompt.")
        .input(socket("model", "MODEL"))
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .output("GUIDER")
        .run(cfg_guider)};

const RegisterNode kBasicGuider{NodeType("BasicGuider")
                                    .label("BasicGuider")
                                    .category("sampling/custom_sampling/guiders")
                                    .description("Leads by one prompt alone.")
                                    .input(socket("model", "MODEL"))
                                    .input(socket("conditioning", "CONDITIONING"))
                                    .output("GUIDER")
                                    .run(basic_guider)};

const RegisterNode kDualCFGGuider{
    NodeType("DualCFGGuider")
        .label("DualCFGGuider")
        .category("sampling/custom_sampling/guiders")
        .description("Leads by two prompts against a negative, each with a strength of its own.")
        .input(socket("model", "MODEL"))
        .input(socket("cond1", "CONDITIONING"))
        .input(socket("cond2", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(number("cfg_conds", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(number("cfg_cond2_negative", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(choice("style", {"regular", "nested"}))
        .output("GUIDER")
        .run(dual_guider)};

const RegisterNode kPerpNegGuider{
    NodeType("PerpNegGuider")
        .label("PerpNegGuider")
        .category("_for_testing")
        .description("Leads away only from what the negative prompt does not share with the "
                     "positive, arXiv:2304.04968.")
        .input(socket("model", "MODEL"))
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(socket("empty_conditioning", "CONDITIONING"))
        .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(number("neg_scale", 1.0).range(0.0, 100.0).step(0.01))
        .output("GUIDER")
        .experimental()
        .run(perp_neg_guider)};

}  // namespace
}  // namespace obscura::nodes
