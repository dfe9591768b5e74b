// LoadImage, LoadImageOutput and LoadImageMask.
#include <algorithm>
#include <vector>

#include "graph/node_registry.h"
#include "library/input_folder.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

std::vector<std::string> pictures(const Environment& environment) {
  return environment.get<library::InputFolder>().list();
}

// As workflows name what was made before: "ComfyUI_00001_.png [output]".
std::vector<std::string> made_pictures(const Environment& environment) {
  return environment.get<library::InputFolder>().list_output();
}

Result<std::optional<std::string>> fingerprint_load_image(const NodeInputs& inputs,
                                                          const Environment& environment) {
  if (!inputs.has("image")) return std::optional<std::string>();
  OBSCURA_ASSIGN(std::string digest,
                 environment.get<library::InputFolder>().sha256(inputs.get<std::string>("image")));
  return std::optional<std::string>(std::move(digest));
}

// Names in subfolders and of other folders are allowed beside those of the list.
Status validate_load_image(const NodeInputs& inputs, const Environment& environment) {
  if (!inputs.has("image")) return {};
  auto path = environment.get<library::InputFolder>().find(inputs.get<std::string>("image"));
  return path.ok() ? Status() : Status(path.error());
}

// One channel of a picture as (1, H, W).
Tensor channel(const Tensor& pixels, std::int64_t index, bool inverted) {
  const Shape& s = pixels.shape();
  Tensor plane(Shape{1, s[0], s[1]});
  for (std::int64_t i = 0; i < plane.elements(); ++i) {
    float value = pixels.data()[i * s[2] + index];
    plane.data()[i] = inverted ? 1 - value : value;
  }
  return plane;
}

// What masks a picture without alpha: nothing. The size is ComfyUI's.
Tensor no_mask() {
  return Tensor(Shape{1, 64, 64});
}

// The colours of a picture as (1, H, W, 3).
Tensor colours(const Tensor& pixels) {
  const Shape& s = pixels.shape();
  Tensor rgb(Shape{1, s[0], s[1], 3});
  for (std::int64_t i = 0; i < s[0] * s[1]; ++i)
    std::copy_n(pixels.data() + i * s[2], 3, rgb.data() + i * 3);
  return rgb;
}

// Frames and pages become a batch; those of another size than the first are left out, as ComfyUI
// does.
Result<NodeResult> load_image_load(NodeCall& call) {
  OBSCURA_ASSIGN(auto frames, call.environment<library::InputFolder>().read_frames(
                                  call.get<std::string>("image")));
  const Shape first = frames.front().pixels.shape();
  std::erase_if(frames, [&](const io::Image& frame) {
    const Shape& s = frame.pixels.shape();
    return s[0] != first[0] || s[1] != first[1];
  });
  auto has_alpha = [](const io::Image& frame) { return frame.pixels.shape()[2] == 4; };
  const bool masked = std::any_of(frames.begin(), frames.end(), has_alpha);
  std::vector<Tensor> pictures, masks;
  for (const io::Image& frame : frames) {
    pictures.push_back(colours(frame.pixels));
    masks.push_back(has_alpha(frame) ? channel(frame.pixels, 3, true)
                    : masked         ? Tensor(Shape{1, first[0], first[1]})
                                     : no_mask());
  }
  return NodeResult{image_value(concatenate(pictures)), mask_value(concatenate(masks))};
}

Result<NodeResult> load_mask(NodeCall& call) {
  OBSCURA_ASSIGN(io::Image image,
                 call.environment<library::InputFolder>().read(call.get<std::string>("image")));
  const std::string& name = call.get<std::string>("channel");
  if (name == "alpha") {
    bool has_alpha = image.pixels.shape()[2] == 4;
    return NodeResult{mask_value(has_alpha ? channel(image.pixels, 3, true) : no_mask())};
  }
  std::int64_t index = name == "red" ? 0 : (name == "green" ? 1 : 2);
  return NodeResult{mask_value(channel(image.pixels, index, false))};
}

const RegisterNode kLoad{
    NodeType("LoadImage")
        .label("Load Image")
        .category("image")
        .description(
            "Reads a picture of the input folder, turned as its camera says and with its colour "
            "profile converted to sRGB. The mask is where it is transparent. The frames of an "
            "animated WebP and the pages of a TIFF become a batch.")
        .input(
            choice("image", pictures).image_upload().tooltip("PNG, JPEG, WebP, TIFF or OpenEXR."))
        .output("IMAGE")
        .output("MASK")
        .fingerprint(fingerprint_load_image)
        .validate(validate_load_image, {"image"})
        .run(load_image_load)};

const RegisterNode kLoadOutput{
    NodeType("LoadImageOutput")
        .label("Load Image (from Outputs)")
        .category("image")
        .description("Reads a picture that was made before, from the output folder. The mask is "
                     "where it is transparent.")
        .experimental()
        .input(choice("image", made_pictures).image_upload().tooltip("A picture made before."))
        .output("IMAGE")
        .output("MASK")
        .fingerprint(fingerprint_load_image)
        .validate(validate_load_image, {"image"})
        .run(load_image_load)};

const RegisterNode kLoadMask{
    NodeType("LoadImageMask")
        .label("Load Image (as Mask)")
        .category("mask")
        .description("Reads one channel of a picture as a mask; alpha is turned around, so that "
                     "what is transparent is masked.")
        .input(
            choice("image", pictures).image_upload().tooltip("PNG, JPEG, WebP, TIFF or OpenEXR."))
        .input(choice("channel", {"alpha", "red", "green", "blue"}))
        .output("MASK")
        .fingerprint(fingerprint_load_image)
        .validate(validate_load_image, {"image"})
        .run(load_mask)};

}  // namespace
}  // namespace obscura::nodes
