#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_clip_set_last_layer(NodeCall& call) {
  pipeline::TextEncoders encoders = call.get<pipeline::TextEncoders>("clip");
  encoders.stop_at_layer = call.get<int>("stop_at_clip_layer");
  return NodeResult{Value::handle("CLIP", std::move(encoders))};
}

const RegisterNode kClipSetLastLayerRegistered{
    NodeType("CLIPSetLastLayer")
        .label("CLIP Set Last Layer")
        .category("conditioning")
        .description("Takes the text states from an earlier layer of both encoders. -2 is what "
                     "others call clip skip 2, and what SDXL was trained with.")
        .input(socket("clip", "CLIP").tooltip("The text encoders."))
        .input(integer("stop_at_clip_layer", -1)
                   .range(-24, -1)
                   .step(1)
                   .tooltip("-1 is the last layer."))
        .output("CLIP")
        .run(run_clip_set_last_layer)};

}  // namespace
}  // namespace obscura::nodes
