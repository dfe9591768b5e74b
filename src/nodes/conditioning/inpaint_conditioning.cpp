// InpaintModelConditioning and InstructPixToPixConditioning: images for models that see one beside
// the latent.
#include "graph/node_registry.h"
#include "image/mask.h"
#include "image/raster.h"
#include "nodes/conditioning/entries.h"
#include "nodes/sockets.h"
#include "pipeline/image_codec.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<Tensor> encoded_image(const NodeCall& call, const Tensor& images) {
  return pipeline::encode_image(call.environment<runtime::Session>(),
                                call.get<pipeline::Vae>("vae"), images, call.cancel_token());
}

Value with_image(const NodeCall& call, const char* input, const pipeline::ConcatLatent& concat) {
  return conditioning_value(
      with_entries(call.get<pipeline::Conditioning>(input),
                   [&](pipeline::Condition& entry) { entry.concat = concat; }));
}

Result<NodeResult> run_inpaint(NodeCall& call) {
  const Tensor& images = pixels_of(call, "pixels");
  const Shape& s = images.shape();
  const Tensor mask =
      image::whole_pixels(image::resize_mask(mask_of(call), s[1], s[2]), kPixelsOfALatent);
  Tensor covered = image::whole_pixels(images, kPixelsOfALatent);
  image::cover(covered, mask);
  pipeline::ConcatLatent concat;
  OBSCURA_ASSIGN(concat.image, encoded_image(call, covered));
  concat.mask = mask;
  pipeline::Latent latent;
  OBSCURA_ASSIGN(latent.samples, encoded_image(call, images));
  if (call.get<bool>("noise_mask")) latent.noise_mask = mask;
  return NodeResult{with_image(call, "positive", concat), with_image(call, "negative", concat),
                    latent_value(std::move(latent))};
}

Result<NodeResult> run_instruct(NodeCall& call) {
  pipeline::ConcatLatent concat;
  OBSCURA_ASSIGN(concat.image, encoded_image(call, pixels_of(call, "pixels")));
  pipeline::Latent latent;
  latent.samples = Tensor(concat.image.shape());
  return NodeResult{with_image(call, "positive", concat), with_image(call, "negative", concat),
                    latent_value(std::move(latent))};
}

NodeType concat_node(const char* id, const char* label, const char* category,
                     const char* description) {
  return NodeType(id)
      .label(label)
      .category(category)
      .description(description)
      .input(socket("positive", "CONDITIONING").tooltip("What the image is to show."))
      .input(socket("negative", "CONDITIONING").tooltip("What it is not to show."))
      .input(socket("vae", "VAE").tooltip("The model that encodes the image."))
      .input(socket("pixels", "IMAGE").tooltip("The image to change."));
}

NodeType& with_concat_outputs(NodeType& type) {
  return type.output("CONDITIONING", "positive")
      .output("CONDITIONING", "negative")
      .output("LATENT", "latent", "The latent to start from.");
}

NodeType inpaint_node() {
  NodeType type =
      concat_node("InpaintModelConditioning", "InpaintModelConditioning", "conditioning/inpaint",
                  "Shows an inpainting model (of nine input channels) the image without what "
                  "the mask covers, and the mask.");
  type.input(socket("mask", "MASK").tooltip("1 where the image is to be painted anew."))
      .input(toggle("noise_mask", true)
                 .tooltip("Keeps what the mask leaves out exactly; without it the model may touch "
                          "all of the image."));
  return with_concat_outputs(type).run(run_inpaint);
}

NodeType instruct_node() {
  NodeType type = concat_node("InstructPixToPixConditioning", "InstructPixToPixConditioning",
                              "conditioning/instructpix2pix",
                              "Shows an editing model (of eight input channels) the image that the "
                              "prompt tells how to change.");
  return with_concat_outputs(type).run(run_instruct);
}

const RegisterNode kInpaintModelConditioning{inpaint_node()};
const RegisterNode kInstructPixToPixConditioning{instruct_node()};

}  // namespace
}  // namespace obscura::nodes
