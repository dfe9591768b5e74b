// SaveImage and PreviewImage: the ends of a workflow.
#include "graph/node_registry.h"
#include "graph/workflow.h"
#include "nodes/folder_paths.h"
#include "nodes/infotext.h"
#include "nodes/picture_sink.h"
#include "nodes/recipe.h"
#include "nodes/sockets.h"
#include "nodes/upstream.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using nlohmann::ordered_json;

// What other programs look for in a picture.
Result<io::ImageMetadata> metadata(const NodeCall& call, const Workflow& workflow,
                                   const FinishedPicture& picture, const Recipe& recipe) {
  io::ImageMetadata texts;
  texts.push_back({"prompt", call.prompt().dump(-1, ' ', true)});
  for (const auto& [key, value] : call.extra_pnginfo().items()) {
    texts.push_back({key, value.dump(-1, ' ', true)});
  }
  const Shape& shape = picture.pixels.shape();
  std::string parameters =
      infotext(workflow, call.node().id,
               {.width = shape[1],
                .height = shape[0],
                .seed = picture.seed.value_or(0),
                .model_sha256 = recipe.model_sha256,
                .version = "Obscura " + call.environment<RecipeFacts>().version});
  if (!parameters.empty()) texts.push_back({"parameters", std::move(parameters)});
  return texts;
}

Result<NodeResult> store_all(NodeCall& call, const std::string& prefix, bool temporary) {
  const Tensor& images = call.get<Picture>("images").pixels;
  OBSCURA_ASSIGN(Workflow workflow, Workflow::from_json(call.prompt()));
  nlohmann::json stored = nlohmann::json::array();
  for (std::int64_t i = 0; i < images.shape()[0]; ++i) {
    OBSCURA_TRY(call.check_cancelled());
    const Shape& shape = images.shape();
    FinishedPicture picture;
    picture.node = call.node();
    picture.prefix = prefix;
    picture.temporary = temporary;
    picture.index = i;
    picture.pixels = images.slice(i).reshaped({shape[1], shape[2], shape[3]});
    picture.seed = seed_of(workflow, call.node().id, i);
    OBSCURA_ASSIGN(Recipe recipe, make_recipe(call, i, picture.seed, picture.pixels));
    picture.pixel_sha256 = recipe.json["pixels"]["sha256"].get<std::string>();
    OBSCURA_ASSIGN(picture.metadata, metadata(call, workflow, picture, recipe));
    picture.recipe = std::move(recipe.json);
    OBSCURA_ASSIGN(StoredPicture place, call.environment<PictureSink>().store(picture));
    stored.push_back(
        {{"filename", place.filename}, {"subfolder", place.subfolder}, {"type", place.type}});
  }
  return NodeResult().ui({{"images", std::move(stored)}});
}

// Before anything is rendered for a name that will be refused.
Status save_image_validate_prefix(const NodeInputs& inputs, const Environment&) {
  if (!inputs.has("filename_prefix")) return {};
  auto path = path_below("", inputs.get<std::string>("filename_prefix") + "_");
  return path.ok() ? Status() : Status(path.error().in("input \"filename_prefix\""));
}

Result<NodeResult> save(NodeCall& call) {
  return store_all(call, call.get<std::string>("filename_prefix"), false);
}

Result<NodeResult> save_image_preview(NodeCall& call) {
  return store_all(call, "ComfyUI_temp", true);
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
        .validate(save_image_validate_prefix)
        .run(save)};

const RegisterNode kPreview{NodeType("PreviewImage")
                                .label("Preview Image")
                                .category("image")
                                .description("Shows pictures; they are not kept.")
                                .input(socket("images", "IMAGE").tooltip("The pictures."))
                                .hidden(Hidden::kPrompt)
                                .hidden(Hidden::kExtraPngInfo)
                                .output_node()
                                .run(save_image_preview)};

}  // namespace
}  // namespace obscura::nodes
