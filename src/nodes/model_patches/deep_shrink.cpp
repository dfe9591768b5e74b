#include "graph/node_registry.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;

Result<NodeResult> deep_shrink(NodeCall& call) {
  return changed_model(call, [&](DiffusionModel& model) {
    model.patches.shrink = pipeline::TimedShrink{
        .shrink = {.block = call.get<int>("block_number"),
                   .factor = call.get<double>("downscale_factor"),
                   .after_skip = call.get<bool>("downscale_after_skip"),
                   .down = *resize_method_from_name(call.get<std::string>("downscale_method")),
                   .up = *resize_method_from_name(call.get<std::string>("upscale_method"))},
        .start_percent = call.get<double>("start_percent"),
        .end_percent = call.get<double>("end_percent")};
  });
}

const RegisterNode kPatchModelAddDownscale{
    NodeType("PatchModelAddDownscale")
        .label("PatchModelAddDownscale (Kohya Deep Shrink)")
        .category("model_patches/unet")
        .description("Works at a smaller size inside the U-Net for the first steps, so that large "
                     "images keep one subject.")
        .input(socket("model", "MODEL"))
        .input(integer("block_number", 3).range(1, 32).step(1))
        .input(number("downscale_factor", 2.0).range(0.1, 9.0).step(0.001))
        .input(number("start_percent", 0.0).range(0.0, 1.0).step(0.001))
        .input(number("end_percent", 0.35).range(0.0, 1.0).step(0.001))
        .input(toggle("downscale_after_skip", true))
        .input(
            choice("downscale_method", {"bicubic", "nearest-exact", "bilinear", "area", "bislerp"}))
        .input(
            choice("upscale_method", {"bicubic", "nearest-exact", "bilinear", "area", "bislerp"}))
        .output("MODEL")
        .run(deep_shrink)};

}  // namespace
}  // namespace obscura::nodes
