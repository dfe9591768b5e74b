// SaveImage, PreviewImage and MaskPreview: the ends of a workflow.
#include <algorithm>

#include "graph/node_registry.h"
#include "nodes/image/save_images.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_save_image(NodeCall& call) {
  return save_images(call, call.get<Image>("images").pixels,
                     {.prefix = call.get<std::string>("filename_prefix")});
}

Result<NodeResult> run_preview_image(NodeCall& call) {
  return save_images(call, call.get<Image>("images").pixels,
                     {.prefix = "ComfyUI_temp", .temporary = true});
}

Result<NodeResult> run_mask_preview(NodeCall& call) {
  const Tensor& mask = call.get<Mask>("mask").values;
  const Shape& s = mask.shape();
  Tensor gray(Shape{s[0], s[1], s[2], 3});
  for (std::int64_t i = 0; i < mask.elements(); ++i)
    std::fill_n(gray.data() + i * 3, 3, mask.data()[i]);
  return save_images(call, gray, {.prefix = "ComfyUI_temp", .temporary = true});
}

const RegisterNode kSave{
    NodeType("SaveImage")
        .label("Save Image")
        .category("image")
        .description("Writes pictures to the output folder as PNG files, with the workflow and a "
                     "recipe inside from which they can be made again.")
        .input(socket("images", "IMAGE").tooltip("The pictures."))
        .input(text("filename_prefix", "ComfyUI")
                   .tooltip("Beginning of the name; may name a folder, and hold %year%, %month%, "
                            "%day%, %hour%, %minute%, %second%, %width%, %height%, %batch_num%."))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(validate_filename_prefix)
        .run(run_save_image)};

const RegisterNode kPreview{NodeType("PreviewImage")
                                .label("Preview Image")
                                .category("image")
                                .description("Shows pictures; they are not kept.")
                                .input(socket("images", "IMAGE").tooltip("The pictures."))
                                .hidden(Hidden::kPrompt)
                                .hidden(Hidden::kExtraPngInfo)
                                .output_node()
                                .run(run_preview_image)};

const RegisterNode kMaskPreview{NodeType("MaskPreview")
                                    .label("Preview Mask")
                                    .category("mask")
                                    .description("Shows masks as gray pictures; they are not kept.")
                                    .input(socket("mask", "MASK").tooltip("The masks."))
                                    .hidden(Hidden::kPrompt)
                                    .hidden(Hidden::kExtraPngInfo)
                                    .output_node()
                                    .run(run_mask_preview)};

}  // namespace
}  // namespace obscura::nodes
