// InpaintModelConditioning and InstructPixToPixConditioning: pictures for models that see one
// beside the latent.
#include "graph/node_registry.h"
#include "nodes/sockets.h"
#include "pipeline/image_codec.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// The part of the pictures (B, H, W, C) that latents can show: whole pixels of the latent, as many
// left out at one side as at the other.
Tensor whole_latent_pixels(const Tensor& pictures) {
  constexpr std::int64_t kScale = 8;
  const Shape& s = pictures.shape();
  std::int64_t height = s[1] / kScale * kScale, width = s[2] / kScale * kScale;
  if (height == s[1] && width == s[2]) return pictures.clone();
  std::int64_t top = s[1] % kScale / 2, left = s[2] % kScale / 2;
  Tensor part(Shape{s[0], height, width, s[3]});
  for (std::int64_t row = 0; row < s[0] * height; ++row) {
    std::int64_t source = row / height * s[1] + top + row % height;
    std::copy_n(pictures.data() + (source * s[2] + left) * s[3], width * s[3],
                part.data() + row * width * s[3]);
  }
  return part;
}

// The mask (B, H, W) at the pictures' size.
Tensor fitted_mask(const Tensor& mask, const Tensor& pictures) {
  const Shape& m = mask.shape();
  std::int64_t height = pictures.shape()[1], width = pictures.shape()[2];
  Tensor planes =
      resize(mask.reshaped({m[0], 1, m[1], m[2]}), width, height, ResizeMethod::kBilinear);
  return planes.reshaped({m[0], height, width});
}

// What the mask covers becomes grey.
void cover(Tensor& pictures, const Tensor& mask) {
  const Shape& s = pictures.shape();
  std::int64_t pixels = s[1] * s[2];
  for (std::int64_t i = 0; i < s[0] * pixels; ++i) {
    float shown = mask.data()[i / pixels % mask.shape()[0] * pixels + i % pixels];
    shown = 1 - std::nearbyint(shown);
    for (std::int64_t c = 0; c < std::min<std::int64_t>(s[3], 3); ++c) {
      float& value = pictures.data()[i * s[3] + c];
      value = (value - 0.5f) * shown + 0.5f;
    }
  }
}

Result<Tensor> inpaint_conditioning_encode(const NodeCall& call, const Tensor& pictures) {
  return pipeline::encode_image(call.environment<runtime::Session>(),
                                call.get<pipeline::Vae>("vae"), pictures, call.cancel_token());
}

Value with_picture(const NodeCall& call, const char* input, const pipeline::ConcatLatent& concat) {
  pipeline::Conditioning conditioning = call.get<pipeline::Conditioning>(input);
  for (pipeline::Condition& entry : conditioning.entries) entry.concat = concat;
  return conditioning_value(std::move(conditioning));
}

Result<NodeResult> run_inpaint(NodeCall& call) {
  Tensor pictures = call.get<Image>("pixels").pixels;
  Tensor mask = fitted_mask(call.get<Mask>("mask").values, pictures);
  const Shape& m = mask.shape();
  Tensor covered = whole_latent_pixels(pictures);
  mask = whole_latent_pixels(mask.reshaped({m[0], m[1], m[2], 1}));
  mask = mask.reshaped({m[0], covered.shape()[1], covered.shape()[2]});
  cover(covered, mask);
  pipeline::ConcatLatent concat;
  OBSCURA_ASSIGN(concat.image, inpaint_conditioning_encode(call, covered));
  concat.mask = mask;
  pipeline::Latent latent;
  OBSCURA_ASSIGN(latent.samples, inpaint_conditioning_encode(call, pictures));
  if (call.get<bool>("noise_mask")) latent.noise_mask = mask;
  return NodeResult{with_picture(call, "positive", concat), with_picture(call, "negative", concat),
                    latent_value(std::move(latent))};
}

Result<NodeResult> run_instruct(NodeCall& call) {
  pipeline::ConcatLatent concat;
  OBSCURA_ASSIGN(concat.image, inpaint_conditioning_encode(call, call.get<Image>("pixels").pixels));
  pipeline::Latent latent;
  latent.samples = Tensor(concat.image.shape());
  return NodeResult{with_picture(call, "positive", concat), with_picture(call, "negative", concat),
                    latent_value(std::move(latent))};
}

NodeType inpaint_conditioning_node(const char* id, const char* label, const char* category,
                                   const char* description) {
  return NodeType(id)
      .label(label)
      .category(category)
      .description(description)
      .input(socket("positive", "CONDITIONING").tooltip("What the picture is to show."))
      .input(socket("negative", "CONDITIONING").tooltip("What it is not to show."))
      .input(socket("vae", "VAE").tooltip("The model that encodes the picture."))
      .input(socket("pixels", "IMAGE").tooltip("The picture to change."));
}

NodeType& inpaint_conditioning_with_outputs(NodeType& type) {
  return type.output("CONDITIONING", "positive")
      .output("CONDITIONING", "negative")
      .output("LATENT", "latent", "The latent to start from.");
}

NodeType inpaint_node() {
  NodeType type = inpaint_conditioning_node(
      "InpaintModelConditioning", "InpaintModelConditioning", "conditioning/inpaint",
      "Shows an inpainting model (of nine input channels) the picture without what "
      "the mask covers, and the mask.");
  type.input(socket("mask", "MASK").tooltip("1 where the picture is to be painted anew."))
      .input(toggle("noise_mask", true)
                 .tooltip("Keeps what the mask leaves out exactly; without it the model may touch "
                          "all of the picture."));
  return inpaint_conditioning_with_outputs(type).run(run_inpaint);
}

NodeType instruct_node() {
  NodeType type = inpaint_conditioning_node(
      "InstructPixToPixConditioning", "InstructPixToPixConditioning",
      "conditioning/instructpix2pix",
      "Shows an editing model (of eight input channels) the picture that the "
      "prompt tells how to change.");
  return inpaint_conditioning_with_outputs(type).run(run_instruct);
}

const RegisterNode kInpaint{inpaint_node()};
const RegisterNode kInstruct{instruct_node()};

}  // namespace
}  // namespace obscura::nodes
