// SaveImage, PreviewImage and MaskPreview: the ends of a workflow.
#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/image/save_images.h"
#include "nodes/saving.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_save_image(NodeCall& call) {
  return save_images(call, pixels_of(call, "images"),
                     {.prefix = call.get<std::string>("filename_prefix")});
}

Result<NodeResult> run_preview_image(NodeCall& call) {
  return save_images(call, pixels_of(call, "images"),
                     {.prefix = "ComfyUI_temp", .temporary = true});
}

Result<NodeResult> run_mask_preview(NodeCall& call) {
  return save_images(call, image::gray(mask_of(call)),
                     {.prefix = "ComfyUI_temp", .temporary = true});
}

const RegisterNode kSave{saving_node(
    NodeType("SaveImage")
        .label("Save Image")
        .category("image")
        .description("Writes images to the output folder as PNG files, with the workflow and a "
                     "recipe inside from which they can be made again.")
        .input(socket("images", "IMAGE").tooltip("The images."))
        .input(text("filename_prefix", "ComfyUI")
                   .tooltip("Beginning of the name; may name a folder, and hold %year%, %month%, "
                            "%day%, %hour%, %minute%, %second%, %width%, %height%, %batch_num%."))
        .run(run_save_image))};

const RegisterNode kPreview{NodeType("PreviewImage")
                                .label("Preview Image")
                                .category("image")
                                .description("Shows images; they are not kept.")
                                .input(socket("images", "IMAGE").tooltip("The images."))
                                .hidden(Hidden::kPrompt)
                                .hidden(Hidden::kExtraPngInfo)
                                .output_node()
                                .run(run_preview_image)};

const RegisterNode kMaskPreview{NodeType("MaskPreview")
                                    .label("Preview Mask")
                                    .category("mask")
                                    .description("Shows masks as gray images; they are not kept.")
                                    .input(socket("mask", "MASK").tooltip("The masks."))
                                    .hidden(Hidden::kPrompt)
                                    .hidden(Hidden::kExtraPngInfo)
                                    .output_node()
                                    .run(run_mask_preview)};

}  // namespace
}  // namespace obscura::nodes
