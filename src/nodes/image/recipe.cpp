#include "nodes/image/recipe.h"

#include <vector>

#include "base/hash.h"
#include "graph/node_registry.h"
#include "graph/workflow.h"
#include "io/samples.h"
#include "library/input_folder.h"
#include "library/model_folders.h"
#include "library/taesd.h"
#include "runtime/session.h"
#include "workflows/upstream.h"

namespace obscura::nodes {
namespace {

using graph::Workflow;
using nlohmann::ordered_json;

// Every file that a node above the saving one names: the constants of inputs that offer a choice.
std::vector<std::string> chosen_names(const Workflow& workflow, std::string_view id,
                                      const library::ModelFolders& folders) {
  std::vector<std::string> names;
  for (const Workflow::Node* node : workflows::upstream(workflow, id)) {
    const graph::NodeType* type = graph::NodeRegistry::builtin().find(node->type());
    if (type == nullptr) continue;
    for (const graph::InputSpec& spec : type->inputs()) {
      const ordered_json* value =
          spec.is_choice() ? workflows::constant(*node, spec.name()) : nullptr;
      if (value == nullptr || !value->is_string()) continue;
      names.push_back(value->get<std::string>());
      if (spec.name() == "vae_name") {
        for (std::string& file : library::taesd_files(folders, names.back()))
          names.push_back(std::move(file));
      }
    }
  }
  return names;
}

// Of the checkpoint that the sampling node's chain begins with, among the models of a recipe.
std::string checkpoint_digest(const Workflow& workflow, std::string_view id,
                              const ordered_json& models) {
  const ordered_json* name =
      workflows::nearest_constant(workflows::upstream(workflow, id), "ckpt_name");
  for (const ordered_json& model : models)
    if (name != nullptr && model["name"] == *name) return model["sha256"].get<std::string>();
  return "";
}

}  // namespace

std::string pixel_digest(const Tensor& pixels) {
  std::vector<std::byte> samples;
  samples.reserve(static_cast<std::size_t>(pixels.elements()));
  for (float value : pixels.values())
    samples.push_back(static_cast<std::byte>(io::quantised(value, 255)));
  return sha256_hex(samples);
}

Result<Recipe> make_recipe(const graph::NodeCall& call, std::int64_t index,
                           std::optional<std::uint64_t> seed, const Tensor& pixels) {
  const auto& facts = call.environment<RecipeFacts>();
  const auto device = call.environment<runtime::Session>().device().describe();
  OBSCURA_ASSIGN(Workflow workflow, Workflow::from_json(call.prompt()));
  Recipe recipe;
  ordered_json& json = recipe.json;
  json["format"] = kRecipeFormat;
  json["program"] = {{"version", facts.version}, {"revision", facts.revision}};
  json["device"] = {{"name", device.name},
                    {"hardware", device.hardware},
                    {"libraries", device.libraries},
                    {"kernels", device.kernel_set}};
  json["precision"] = facts.precision;
  json["models"] = ordered_json::array();
  json["inputs"] = ordered_json::array();
  for (const std::string& name :
       chosen_names(workflow, call.node().id, call.environment<library::ModelFolders>())) {
    OBSCURA_ASSIGN(std::string model,
                   call.environment<library::ModelFolders>().sha256(name, call.cancel_token()));
    if (!model.empty()) json["models"].push_back({{"name", name}, {"sha256", model}});
    std::string digest = call.environment<library::InputFolder>().digest_read(name);
    if (!digest.empty()) json["inputs"].push_back({{"name", name}, {"sha256", digest}});
  }
  recipe.model_sha256 = checkpoint_digest(workflow, call.node().id, json["models"]);
  json["workflow"] = call.prompt();
  json["node"] = call.node().id;
  json["index"] = index;
  if (seed) json["seed"] = *seed;
  const Shape& shape = pixels.shape();
  json["pixels"] = {{"width", shape[1]},
                    {"height", shape[0]},
                    {"channels", shape[2]},
                    {"sha256", pixel_digest(pixels)}};
  return recipe;
}

}  // namespace obscura::nodes
