#include "graph/node_registry.h"
#include "nodes/conditioning/text_encoding.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_clip_text_encode(NodeCall& call) {
  const std::string& text = call.get<std::string>("text");
  OBSCURA_ASSIGN(pipeline::Conditioning conditioning, encode(call, text, text));
  return NodeResult{conditioning_value(std::move(conditioning))};
}

const RegisterNode kClipTextEncodeRegistered{
    NodeType("CLIPTextEncode")
        .label("CLIP Text Encode (Prompt)")
        .category("conditioning")
        .description("Encodes a prompt for the model. (text) and (text:1.3) weigh a part of it.")
        .input(text("text").multiline().dynamic_prompts().tooltip("The prompt."))
        .input(socket("clip", "CLIP").tooltip("The text encoders."))
        .output("CONDITIONING", "", "What the image is to show.")
        .fingerprint([](const NodeInputs& inputs, const Environment& environment) {
          return embeddings_fingerprint(inputs, environment, {"text"});
        })
        .run(run_clip_text_encode)};

}  // namespace
}  // namespace obscura::nodes
