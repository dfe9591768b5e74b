// Nodes that say where a conditioning counts, and how strongly.
#include "graph/node_registry.h"
#include "nodes/conditioning/conditioning_node.h"
#include "nodes/conditioning/entries.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;

// The conditioning with each of its entries changed.
template <class Change>
NodeResult changed_entries(const NodeCall& call, const Change& change) {
  return NodeResult{
      conditioning_value(with_entries(call.get<pipeline::Conditioning>("conditioning"), change))};
}

Result<NodeResult> set_area(NodeCall& call) {
  return changed_entries(call, [&](Condition& entry) {
    entry.area = diffusion::Area{call.get<std::int64_t>("height") / kPixelsOfALatent,
                                 call.get<std::int64_t>("width") / kPixelsOfALatent,
                                 call.get<std::int64_t>("y") / kPixelsOfALatent,
                                 call.get<std::int64_t>("x") / kPixelsOfALatent};
    entry.area_fractions.reset();
    entry.area_is_mask_bounds = false;
    entry.strength = call.get<double>("strength");
  });
}

Result<NodeResult> set_area_percentage(NodeCall& call) {
  return changed_entries(call, [&](Condition& entry) {
    entry.area_fractions =
        pipeline::AreaFractions{call.get<double>("height"), call.get<double>("width"),
                                call.get<double>("y"), call.get<double>("x")};
    entry.area.reset();
    entry.area_is_mask_bounds = false;
    entry.strength = call.get<double>("strength");
  });
}

Result<NodeResult> set_mask(NodeCall& call) {
  return changed_entries(call, [&](Condition& entry) {
    entry.mask = mask_of(call);
    entry.mask_strength = call.get<double>("strength");
    entry.area_is_mask_bounds = call.get<std::string>("set_cond_area") == "mask bounds";
  });
}

Result<NodeResult> set_strength(NodeCall& call) {
  return changed_entries(call,
                         [&](Condition& entry) { entry.strength = call.get<double>("strength"); });
}

InputSpec strength_of_area() {
  return number("strength", 1.0)
      .range(0.0, 10.0)
      .step(0.01)
      .tooltip("Its weight where conditionings overlap.");
}

InputSpec area_pixels(const char* name, int default_value, int least) {
  return integer(name, default_value).range(least, 16384).step(8).tooltip("In pixels.");
}

InputSpec fraction_of_side(const char* name, double default_value) {
  return number(name, default_value).range(0, 1.0).step(0.01).tooltip("Part of the image.");
}

const RegisterNode kConditioningSetArea{
    conditioning_node("ConditioningSetArea", "Conditioning (Set Area)", "conditioning",
                      "Applies only in a rectangle of the image.")
        .input(conditioning_input())
        .input(area_pixels("width", 64, 64))
        .input(area_pixels("height", 64, 64))
        .input(area_pixels("x", 0, 0))
        .input(area_pixels("y", 0, 0))
        .input(strength_of_area())
        .run(set_area)};

const RegisterNode kConditioningSetAreaPercentage{
    conditioning_node("ConditioningSetAreaPercentage", "Conditioning (Set Area with Percentage)",
                      "conditioning",
                      "Applies only in a rectangle, given as parts of the image's sides.")
        .input(conditioning_input())
        .input(fraction_of_side("width", 1.0))
        .input(fraction_of_side("height", 1.0))
        .input(fraction_of_side("x", 0))
        .input(fraction_of_side("y", 0))
        .input(strength_of_area())
        .run(set_area_percentage)};

const RegisterNode kConditioningSetMask{
    conditioning_node("ConditioningSetMask", "Conditioning (Set Mask)", "conditioning",
                      "Applies where the mask says, and as strongly.")
        .input(conditioning_input())
        .input(socket("mask", "MASK"))
        .input(strength_of_area())
        .input(choice("set_cond_area", {"default", "mask bounds"})
                   .tooltip("\"mask bounds\" computes only the rectangle around the mask."))
        .run(set_mask)};

const RegisterNode kConditioningSetAreaStrength{
    NodeType("ConditioningSetAreaStrength")
        .label("ConditioningSetAreaStrength")
        .category("conditioning")
        .description("Sets how strongly a conditioning counts where several overlap.")
        .input(socket("conditioning", "CONDITIONING"))
        .input(number("strength", 1.0).range(0.0, 10.0).step(0.01))
        .output("CONDITIONING")
        .run(set_strength)};

}  // namespace
}  // namespace obscura::nodes
