// CLIPTextEncodeSDXL and CLIPTextEncodeSDXLRefiner: prompts with the numbers that the models were
// trained to follow.
#include "graph/node_registry.h"
#include "nodes/conditioning/text_encoding.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_clip_text_encode_sdxl(NodeCall& call) {
  OBSCURA_ASSIGN(pipeline::Conditioning conditioning,
                 encode(call, call.get<std::string>("text_l"), call.get<std::string>("text_g")));
  for (pipeline::Condition& condition : conditioning.entries) {
    condition.size = pipeline::SizeConditioning{
        call.get<double>("height"),        call.get<double>("width"),
        call.get<double>("crop_h"),        call.get<double>("crop_w"),
        call.get<double>("target_height"), call.get<double>("target_width")};
  }
  return NodeResult{conditioning_value(std::move(conditioning))};
}

Result<NodeResult> run_refiner(NodeCall& call) {
  const auto& prompt = call.get<std::string>("text");
  OBSCURA_ASSIGN(pipeline::Conditioning conditioning, encode(call, prompt, prompt));
  for (pipeline::Condition& condition : conditioning.entries) {
    condition.aesthetic_score = call.get<double>("ascore");
    condition.size = pipeline::SizeConditioning{.height = call.get<double>("height"),
                                                .width = call.get<double>("width"),
                                                .target_height = call.get<double>("height"),
                                                .target_width = call.get<double>("width")};
  }
  return NodeResult{conditioning_value(std::move(conditioning))};
}

InputSpec clip_text_encode_sdxl_pixels(const char* name, int default_value, const char* help) {
  return integer(name, default_value).range(0, 16384).tooltip(help);
}

const RegisterNode kClipTextEncodeSdxlRegistered{
    NodeType("CLIPTextEncodeSDXL")
        .label("CLIPTextEncodeSDXL")
        .category("advanced/conditioning")
        .description("Encodes a prompt for each of SDXL's two text encoders, with the sizes that "
                     "SDXL was trained to follow.")
        .input(socket("clip", "CLIP").tooltip("The text encoders."))
        .input(clip_text_encode_sdxl_pixels("width", 1024,
                                            "Width of the training image it should look like."))
        .input(clip_text_encode_sdxl_pixels("height", 1024,
                                            "Height of the training image it should look like."))
        .input(clip_text_encode_sdxl_pixels(
            "crop_w", 0, "Pixels cropped at the left: above 0 the subject moves out."))
        .input(clip_text_encode_sdxl_pixels(
            "crop_h", 0, "Pixels cropped at the top: above 0 the subject moves out."))
        .input(clip_text_encode_sdxl_pixels("target_width", 1024, "Width of the image to make."))
        .input(clip_text_encode_sdxl_pixels("target_height", 1024, "Height of the image to make."))
        .input(text("text_g").multiline().dynamic_prompts().tooltip("For the larger encoder."))
        .input(text("text_l").multiline().dynamic_prompts().tooltip("For the smaller encoder."))
        .output("CONDITIONING", "", "What the image is to show.")
        .fingerprint([](const NodeInputs& inputs, const Environment& environment) {
          return embeddings_fingerprint(inputs, environment, {"text_g", "text_l"});
        })
        .run(run_clip_text_encode_sdxl)};

const RegisterNode kRefiner{
    NodeType("CLIPTextEncodeSDXLRefiner")
        .label("CLIPTextEncodeSDXLRefiner")
        .category("advanced/conditioning")
        .description("Encodes a prompt for SDXL's refiner, with the aesthetic score and the size "
                     "that it was trained to follow.")
        .input(number("ascore", 6.0)
                   .range(0.0, 1000.0)
                   .step(0.01)
                   .tooltip("The aesthetic score of the training images: 6 for what is wanted, "
                            "2.5 for what is not."))
        .input(clip_text_encode_sdxl_pixels("width", 1024,
                                            "Width of the training image it should look like."))
        .input(clip_text_encode_sdxl_pixels("height", 1024,
                                            "Height of the training image it should look like."))
        .input(text("text").multiline().dynamic_prompts().tooltip("The prompt."))
        .input(socket("clip", "CLIP").tooltip("The refiner's text encoder."))
        .output("CONDITIONING", "", "What the image is to show.")
        .run(run_refiner)};

}  // namespace
}  // namespace obscura::nodes
