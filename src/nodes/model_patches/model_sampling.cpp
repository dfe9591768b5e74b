// Nodes that say what a model predicts.
#include "graph/node_registry.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;

Result<NodeResult> sampling_discrete(NodeCall& call) {
  const auto& sampling = call.get<std::string>("sampling");
  const bool zsnr = call.get<bool>("zsnr");
  using diffusion::Prediction;
  return changed_model(call, [&](DiffusionModel& model) {
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
  return changed_model(call, [&](DiffusionModel& model) { model.schedule = schedule; });
}

Result<NodeResult> sampling_v(NodeCall& call) {
  OBSCURA_ASSIGN(auto schedule,
                 continuous(call, diffusion::Prediction::kV, 1, diffusion::ContinuousTime::kAngle));
  return changed_model(call, [&](DiffusionModel& model) { model.schedule = schedule; });
}

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
        .description("Says what a model of continuous sigmas predicts.")
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
        .description("Reads the model as one of continuous sigmas that predicts the velocity.")
        .input(socket("model", "MODEL"))
        .input(choice("sampling", {"v_prediction"}))
        .input(number("sigma_max", 500.0).range(0.0, 1000.0).step(0.001).no_rounding())
        .input(number("sigma_min", 0.03).range(0.0, 1000.0).step(0.001).no_rounding())
        .output("MODEL")
        .run(sampling_v)};

}  // namespace
}  // namespace obscura::nodes
