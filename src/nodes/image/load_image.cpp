// LoadImage, LoadImageOutput and LoadImageMask.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "library/input_folder.h"
#include "nodes/input_file.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

std::vector<std::string> input_images(const Environment& environment) {
  return environment.get<library::InputFolder>().list();
}

// As workflows name what was made before: "ComfyUI_00001_.png [output]".
std::vector<std::string> made_images(const Environment& environment) {
  return environment.get<library::InputFolder>().list_output();
}

// The pixels (H, W, C) as a batch of one.
Tensor batch_of(const io::Image& image) {
  const Shape& s = image.pixels.shape();
  return image.pixels.reshaped({1, s[0], s[1], s[2]});
}

bool has_alpha(const io::Image& image) {
  return image.pixels.shape()[2] == 4;
}

// What masks an image without alpha: nothing. The size is ComfyUI's.
Tensor no_mask() {
  return Tensor(Shape{1, 64, 64});
}

// 1 where the image is transparent. REQUIRES: it has alpha.
Tensor transparency(const io::Image& image) {
  return image::inverted(image::channel(batch_of(image), 3));
}

// Frames and pages become a batch; those of another size than the first are left out, as ComfyUI
// does.
Result<NodeResult> load_image(NodeCall& call) {
  OBSCURA_ASSIGN(auto frames, call.environment<library::InputFolder>().read_frames(
                                  call.get<std::string>("image")));
  const Shape first = frames.front().pixels.shape();
  std::erase_if(frames, [&](const io::Image& frame) {
    const Shape& s = frame.pixels.shape();
    return s[0] != first[0] || s[1] != first[1];
  });
  const bool masked = std::any_of(frames.begin(), frames.end(), has_alpha);
  std::vector<Tensor> images, masks;
  for (const io::Image& frame : frames) {
    images.push_back(image::with_channels(batch_of(frame), 3));
    masks.push_back(has_alpha(frame) ? transparency(frame)
                    : masked         ? Tensor(Shape{1, first[0], first[1]})
                                     : no_mask());
  }
  return NodeResult{image_value(concatenate(images)), mask_value(concatenate(masks))};
}

Result<NodeResult> load_mask(NodeCall& call) {
  OBSCURA_ASSIGN(io::Image image,
                 call.environment<library::InputFolder>().read(call.get<std::string>("image")));
  const std::string& name = call.get<std::string>("channel");
  if (name == "alpha") {
    return NodeResult{mask_value(has_alpha(image) ? transparency(image) : no_mask())};
  }
  std::int64_t index = name == "red" ? 0 : (name == "green" ? 1 : 2);
  return NodeResult{mask_value(image::channel(batch_of(image), index))};
}

const RegisterNode kLoadImage{
    NodeType("LoadImage")
        .label("Load Image")
        .category("image")
        .description(
            "Reads an image of the input folder, turned as its camera says and with its colour "
            "profile converted to sRGB. The mask is where it is transparent. The frames of an "
            "animated WebP and the pages of a TIFF become a batch.")
        .input(choice("image", input_images)
                   .image_upload()
                   .tooltip("PNG, JPEG, WebP, TIFF or OpenEXR."))
        .output("IMAGE")
        .output("MASK")
        .fingerprint(fingerprint_of_input_file("image"))
        .validate(validate_input_file("image"), {"image"})
        .run(load_image)};

const RegisterNode kLoadImageOutput{
    NodeType("LoadImageOutput")
        .label("Load Image (from Outputs)")
        .category("image")
        .description("Reads an image that was made before, from the output folder. The mask is "
                     "where it is transparent.")
        .experimental()
        .input(choice("image", made_images).image_upload().tooltip("An image made before."))
        .output("IMAGE")
        .output("MASK")
        .fingerprint(fingerprint_of_input_file("image"))
        .validate(validate_input_file("image"), {"image"})
        .run(load_image)};

const RegisterNode kLoadImageMask{
    NodeType("LoadImageMask")
        .label("Load Image (as Mask)")
        .category("mask")
        .description("Reads one channel of an image as a mask; alpha is turned around, so that "
                     "what is transparent is masked.")
        .input(choice("image", input_images)
                   .image_upload()
                   .tooltip("PNG, JPEG, WebP, TIFF or OpenEXR."))
        .input(choice("channel", {"alpha", "red", "green", "blue"}))
        .output("MASK")
        .fingerprint(fingerprint_of_input_file("image"))
        .validate(validate_input_file("image"), {"image"})
        .run(load_mask)};

}  // namespace
}  // namespace obscura::nodes
