// Nodes that change how the U-Net is built, or how its output is read.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "models/unet/unet.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;

// The model with something about it changed.
template <class Change>
NodeResult model_patch_changed(const NodeCall& call, const Change& change) {
  auto model = std::make_shared<DiffusionModel>(call.get<DiffusionModel>("model"));
  change(*model);
  return NodeResult{Value::handle<DiffusionModel>("MODEL", std::move(model))};
}

NodeResult free_u(const NodeCall& call, bool version_2) {
  auto factor = [&](const char* input) { return static_cast<float>(call.get<double>(input)); };
  return model_patch_changed(call, [&](DiffusionModel& model) {
    model.patches.unet.free_u = models::FreeU{.b1 = factor("b1"),
                                              .b2 = factor("b2"),
                                              .s1 = factor("s1"),
                                              .s2 = factor("s2"),
                                              .version_2 = version_2};
  });
}

Result<NodeResult> free_u_1(NodeCall& call) {
  return free_u(call, false);
}

Result<NodeResult> free_u_2(NodeCall& call) {
  return free_u(call, true);
}

Result<NodeResult> deep_shrink(NodeCall& call) {
  return model_patch_changed(call, [&](DiffusionModel& model) {
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

Result<NodeResult> hyper_tile(NodeCall& call) {
  return model_patch_changed(call, [&](DiffusionModel& model) {
    constexpr int kLeastPixels = 32, kPixelsOfALatents = 8;
    const int pixels = std::max(kLeastPixels, call.get<int>("tile_size"));
    model.patches.unet.hyper_tile = models::HyperTile{.tile = pixels / kPixelsOfALatents,
                                                      .choices = call.get<int>("swap_size"),
                                                      .max_depth = call.get<int>("max_depth"),
                                                      .scale_depth = call.get<bool>("scale_depth")};
  });
}

Result<NodeResult> merge_tokens(NodeCall& call) {
  const auto& given = call.get<DiffusionModel>("model");
  if (!models::attends_at_full_size(*given.weights)) {
    call.warn(
        given.file->name() +
        " does not attend at the size of the latent, where tokens are merged (SDXL does not): "
        "the node changes nothing");
  }
  return model_patch_changed(call, [&](DiffusionModel& model) {
    model.patches.unet.token_merge = models::TokenMerge{.ratio = call.get<double>("ratio")};
  });
}

Result<NodeResult> sampling_discrete(NodeCall& call) {
  const auto& sampling = call.get<std::string>("sampling");
  const bool zsnr = call.get<bool>("zsnr");
  using diffusion::Prediction;
  return model_patch_changed(call, [&](DiffusionModel& model) {
    if (sampling == "lcm") {
      model.schedule = diffusion::NoiseSchedule::distilled(zsnr);
      return;
    }
    Prediction prediction = sampling == "v_prediction" ? Prediction::kV
                            : sampling == "x0"         ? Prediction::kX0
                            : sampling == "img_to_img" ? Prediction::kImage
                                                       : Prediction::kEpsilon;
    model.schedule = diffusion::NoiseSchedule::discrete(prediction, zsnr);
  });
}

Result<diffusion::NoiseSchedule> continuous(const NodeCall& call, diffusion::Prediction prediction,
                                            double sigma_data, diffusion::ContinuousTime time) {
  const auto least = call.get<double>("sigma_min"), most = call.get<double>("sigma_max");
  if (!(least > 0) || least >= most) {
    return Error(ErrorKind::kInvalidInput, "wanted 0 < sigma_min < sigma_max, found sigma_min " +
                                               std::to_string(least) + ", sigma_max " +
                                               std::to_string(most));
  }
  return diffusion::NoiseSchedule::continuous(prediction, least, most, sigma_data, time);
}

Result<NodeResult> sampling_edm(NodeCall& call) {
  const auto& sampling = call.get<std::string>("sampling");
  if (sampling == "cosmos_rflow") {
    return Error(ErrorKind::kUnsupported,
                 "input \"sampling\": cosmos_rflow is of the Cosmos video models, which Obscura "
                 "does not run; choose another");
  }
  const bool edm = sampling.starts_with("edm");
  OBSCURA_ASSIGN(auto schedule, continuous(call,
                                           sampling == "v_prediction" ? diffusion::Prediction::kV
                                           : edm                      ? diffusion::Prediction::kEdm
                                                 : diffusion::Prediction::kEpsilon,
                                           edm ? 0.5 : 1, diffusion::ContinuousTime::kLogSigma));
  return model_patch_changed(call, [&](DiffusionModel& model) { model.schedule = schedule; });
}

Result<NodeResult> sampling_v(NodeCall& call) {
  OBSCURA_ASSIGN(auto schedule,
                 continuous(call, diffusion::Prediction::kV, 1, diffusion::ContinuousTime::kAngle));
  return model_patch_changed(call, [&](DiffusionModel& model) { model.schedule = schedule; });
}

const RegisterNode kFreeU{NodeType("FreeU")
                              .label("FreeU")
                              .category("model_patches/unet")
                              .description("Strengthens what the U-Net makes and weakens the "
                                           "coarsest of what it only hands over, arXiv:2309.11497.")
                              .input(socket("model", "MODEL"))
                              .input(number("b1", 1.1).range(0.0, 10.0).step(0.01))
                              .input(number("b2", 1.2).range(0.0, 10.0).step(0.01))
                              .input(number("s1", 0.9).range(0.0, 10.0).step(0.01))
                              .input(number("s2", 0.2).range(0.0, 10.0).step(0.01))
                              .output("MODEL")
                              .run(free_u_1)};

const RegisterNode kFreeuV2{
    NodeType("FreeU_V2")
        .label("FreeU_V2")
        .category("model_patches/unet")
        .description("FreeU that strengthens each place by how much there is.")
        .input(socket("model", "MODEL"))
        .input(number("b1", 1.3).range(0.0, 10.0).step(0.01))
        .input(number("b2", 1.4).range(0.0, 10.0).step(0.01))
        .input(number("s1", 0.9).range(0.0, 10.0).step(0.01))
        .input(number("s2", 0.2).range(0.0, 10.0).step(0.01))
        .output("MODEL")
        .run(free_u_2)};

const RegisterNode kPatchModelAddDownscale{
    NodeType("PatchModelAddDownscale")
        .label("PatchModelAddDownscale (Kohya Deep Shrink)")
        .category("model_patches/unet")
        .description("Works at a smaller size inside the U-Net for the first steps, so that large "
                     "pictures keep one subject.")
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

const RegisterNode kHyperTile{
    NodeType("HyperTile")
        .label("HyperTile")
        .category("model_patches/unet")
        .description("Lets the U-Net's attention see large pictures tile by tile, which is faster. "
                     "SDXL attends from max_depth 1 on.")
        .input(socket("model", "MODEL"))
        .input(integer("tile_size", 256).range(1, 2048))
        .input(integer("swap_size", 2).range(1, 128))
        .input(integer("max_depth", 0).range(0, 10))
        .input(toggle("scale_depth", false))
        .output("MODEL")
        .run(hyper_tile)};

const RegisterNode kTomePatchModel{
    NodeType("TomePatchModel")
        .label("TomePatchModel")
        .category("model_patches/unet")
        .description("Merges tokens that are much alike in the U-Net's largest self-attention, "
                     "which is faster, arXiv:2303.17604. SDXL has none of that size.")
        .input(socket("model", "MODEL"))
        .input(number("ratio", 0.3).range(0.0, 1.0).step(0.01))
        .output("MODEL")
        .run(merge_tokens)};

const RegisterNode kModelSamplingDiscrete{
    NodeType("ModelSamplingDiscrete")
        .label("ModelSamplingDiscrete")
        .category("advanced/model")
        .description("Says what the model predicts, where its file does not.")
        .input(socket("model", "MODEL"))
        .input(choice("sampling", {"eps", "v_prediction", "lcm", "x0", "img_to_img"}))
        .input(toggle("zsnr", false))
        .output("MODEL")
        .run(sampling_discrete)};

const RegisterNode kModelSamplingContinuousEDM{
    NodeType("ModelSamplingContinuousEDM")
        .label("ModelSamplingContinuousEDM")
        .category("advanced/model")
        .description("Says what a model of continuous noise levels predicts.")
        .input(socket("model", "MODEL"))
        .input(choice("sampling",
                      {"v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow"}))
        .input(number("sigma_max", 120.0).range(0.0, 1000.0).step(0.001).no_rounding())
        .input(number("sigma_min", 0.002).range(0.0, 1000.0).step(0.001).no_rounding())
        .output("MODEL")
        .run(sampling_edm)};

const RegisterNode kModelSamplingContinuousV{
    NodeType("ModelSamplingContinuousV")
        .label("ModelSamplingContinuousV")
        .category("advanced/model")
        .description(
            "Reads the model as one of continuous noise levels that predicts the velocity.")
        .input(socket("model", "MODEL"))
        .input(choice("sampling", {"v_prediction"}))
        .input(number("sigma_max", 500.0).range(0.0, 1000.0).step(0.001).no_rounding())
        .input(number("sigma_min", 0.03).range(0.0, 1000.0).step(0.001).no_rounding())
        .output("MODEL")
        .run(sampling_v)};

}  // namespace
}  // namespace obscura::nodes
