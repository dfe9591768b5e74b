#include "nodes/image/save_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "graph/workflow.h"
#include "library/folder_paths.h"
#include "nodes/image/recipe.h"
#include "workflows/infotext.h"
#include "workflows/upstream.h"

namespace obscura::nodes {
namespace {

using graph::Workflow;

std::string parameters_of(const graph::NodeCall& call, const Workflow& workflow,
                          const library::FinishedImage& picture, const Recipe& recipe) {
  const Shape& shape = picture.pixels.shape();
  return workflows::infotext(workflow, call.node().id,
                             {.width = shape[1],
                              .height = shape[0],
                              .seed = picture.seed.value_or(0),
                              .model_sha256 = recipe.model_sha256,
                              .version = "Obscura " + call.environment<RecipeFacts>().version});
}

io::ImageMetadata texts_of_image(const graph::NodeCall& call, const Workflow& workflow,
                                 const library::FinishedImage& picture, const Recipe& recipe,
                                 ImageTexts wanted) {
  io::ImageMetadata texts;
  if (wanted == ImageTexts::kAll || wanted == ImageTexts::kWorkflow) texts = workflow_texts(call);
  if (wanted == ImageTexts::kAll || wanted == ImageTexts::kParameters) {
    std::string parameters = parameters_of(call, workflow, picture, recipe);
    if (!parameters.empty()) texts.push_back({"parameters", std::move(parameters)});
  }
  return texts;
}

}  // namespace

io::ImageMetadata workflow_texts(const graph::NodeCall& call) {
  io::ImageMetadata texts = {{"prompt", call.prompt().dump(-1, ' ', true)}};
  for (const auto& [key, value] : call.extra_pnginfo().items())
    texts.push_back({key, value.dump(-1, ' ', true)});
  return texts;
}

Result<graph::NodeResult> save_images(graph::NodeCall& call, const Tensor& images,
                                      const ImageSaving& saving) {
  OBSCURA_ASSIGN(Workflow workflow, Workflow::from_json(call.prompt()));
  const Shape& shape = images.shape();
  nlohmann::json stored = nlohmann::json::array();
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    OBSCURA_TRY(call.check_cancelled());
    library::FinishedImage picture;
    picture.node = call.node();
    picture.prefix = saving.prefix;
    picture.temporary = saving.temporary;
    picture.index = i;
    picture.extension = saving.extension;
    picture.encode = saving.encode;
    picture.pixels = images.slice(i).reshaped({shape[1], shape[2], shape[3]});
    picture.seed = workflows::seed_of(workflow, call.node().id, i);
    OBSCURA_ASSIGN(Recipe recipe, make_recipe(call, i, picture.seed, picture.pixels));
    picture.pixel_sha256 = recipe.json["pixels"]["sha256"].get<std::string>();
    picture.metadata = texts_of_image(call, workflow, picture, recipe, saving.texts);
    picture.recipe = std::move(recipe.json);
    picture.tells_recipe =
        saving.texts == ImageTexts::kAll || saving.texts == ImageTexts::kWorkflow;
    OBSCURA_ASSIGN(library::StoredFile place,
                   call.environment<library::ImageSink>().store(picture));
    if (!place.left_out.empty()) {
      call.warn(fmt::format("{} has no room for these texts: {}", place.filename,
                            fmt::join(place.left_out, ", ")));
    }
    stored.push_back(
        {{"filename", place.filename}, {"subfolder", place.subfolder}, {"type", place.type}});
  }
  return graph::NodeResult().ui({{"images", std::move(stored)}});
}

Status validate_filename_prefix(const graph::NodeInputs& inputs, const graph::Environment&) {
  if (!inputs.has("filename_prefix")) return {};
  auto path = library::path_below("", inputs.get<std::string>("filename_prefix") + "_");
  return path.ok() ? Status() : Status(path.error().in("input \"filename_prefix\""));
}

}  // namespace obscura::nodes
