#include "nodes/image/save_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "graph/workflow.h"
#include "nodes/image/recipe.h"
#include "nodes/saving.h"
#include "workflows/infotext.h"
#include "workflows/upstream.h"

namespace obscura::nodes {
namespace {

using graph::Workflow;

std::string parameters_of(const graph::NodeCall& call, const Workflow& workflow,
                          const library::FinishedImage& image, const Recipe& recipe) {
  const Shape& shape = image.pixels.shape();
  return workflows::infotext(workflow, call.node().id,
                             {.width = shape[1],
                              .height = shape[0],
                              .seed = image.seed.value_or(0),
                              .model_sha256 = recipe.model_sha256,
                              .version = "Obscura " + call.environment<RecipeFacts>().version});
}

io::ImageMetadata texts_of_image(const graph::NodeCall& call, const Workflow& workflow,
                                 const library::FinishedImage& image, const Recipe& recipe,
                                 ImageTexts wanted) {
  io::ImageMetadata texts;
  if (wanted == ImageTexts::kAll || wanted == ImageTexts::kWorkflow) texts = workflow_texts(call);
  if (wanted == ImageTexts::kAll || wanted == ImageTexts::kParameters) {
    std::string parameters = parameters_of(call, workflow, image, recipe);
    if (!parameters.empty()) texts.push_back({"parameters", std::move(parameters)});
  }
  return texts;
}

}  // namespace

Result<graph::NodeResult> save_images(graph::NodeCall& call, const Tensor& images,
                                      const ImageSaving& saving) {
  OBSCURA_ASSIGN(Workflow workflow, Workflow::from_json(call.prompt()));
  const Shape& shape = images.shape();
  nlohmann::json stored = nlohmann::json::array();
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    OBSCURA_TRY(call.check_cancelled());
    library::FinishedImage image;
    image.node = call.node();
    image.prefix = saving.prefix;
    image.temporary = saving.temporary;
    image.index = i;
    image.extension = saving.extension;
    image.encode = saving.encode;
    image.pixels = images.slice(i).reshaped({shape[1], shape[2], shape[3]});
    image.seed = workflows::seed_of(workflow, call.node().id, i);
    OBSCURA_ASSIGN(Recipe recipe, make_recipe(call, i, image.seed, image.pixels));
    image.pixel_sha256 = recipe.json["pixels"]["sha256"].get<std::string>();
    image.metadata = texts_of_image(call, workflow, image, recipe, saving.texts);
    image.recipe = std::move(recipe.json);
    image.tells_recipe = saving.texts == ImageTexts::kAll || saving.texts == ImageTexts::kWorkflow;
    OBSCURA_ASSIGN(library::StoredFile place, call.environment<library::ImageSink>().store(image));
    if (!place.left_out.empty()) {
      call.warn(fmt::format("{} has no room for these texts: {}", place.filename,
                            fmt::join(place.left_out, ", ")));
    }
    stored.push_back(as_ui(place));
  }
  return graph::NodeResult().ui({{"images", std::move(stored)}});
}

}  // namespace obscura::nodes
