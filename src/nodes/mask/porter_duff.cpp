#include "image/porter_duff.h"
#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/mask.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// A mask at the size of images, resized as they are.
Tensor mask_like(const Tensor& mask, const Shape& images) {
  return image::resize_mask(mask, images[1], images[2], ResizeMethod::kBicubic,
                            ResizeCrop::kCenter);
}

Result<NodeResult> run_porter_duff(NodeCall& call) {
  const Tensor& destination = pixels_of(call, "destination");
  const Shape& d = destination.shape();
  Tensor source = image::with_channels(pixels_of(call, "source"), d[3]);
  if (source.shape()[1] != d[1] || source.shape()[2] != d[2])
    source = resize_image(source, d[2], d[1], ResizeMethod::kBicubic, ResizeCrop::kCenter);
  image::Layers result =
      image::porter_duff({source, mask_like(mask_of(call, "source_alpha"), d)},
                         {destination, mask_like(mask_of(call, "destination_alpha"), d)},
                         call.get<std::string>("mode"));
  return NodeResult{image_value(std::move(result.pixels)),
                    mask_value(std::move(result.transparency))};
}

const RegisterNode kPorterDuffImageComposite{
    NodeType("PorterDuffImageComposite")
        .label("Porter-Duff Image Composite")
        .category("mask/compositing")
        .description("Lays one image over another by one of Porter and Duff's rules; the masks "
                     "are where they are transparent.")
        .input(socket("source", "IMAGE"))
        .input(socket("source_alpha", "MASK"))
        .input(socket("destination", "IMAGE"))
        .input(socket("destination_alpha", "MASK"))
        .input(choice("mode", {"ADD", "CLEAR", "DARKEN", "DST", "DST_ATOP", "DST_IN", "DST_OUT",
                               "DST_OVER", "LIGHTEN", "MULTIPLY", "OVERLAY", "SCREEN", "SRC",
                               "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER", "XOR"})
                   .default_value("DST"))
        .output("IMAGE")
        .output("MASK")
        .run(run_porter_duff)};

}  // namespace
}  // namespace obscura::nodes
