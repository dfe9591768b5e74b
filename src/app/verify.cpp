// `obscura verify`: renders an image again from the recipe inside it, and compares bit for bit.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/memory_sink.h"
#include "app/progress.h"
#include "app/render_job.h"
#include "app/workflow_source.h"
#include "base/files.h"
#include "graph/json_text.h"
#include "io/image.h"
#include "io/samples.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

struct VerifyOptions {
  std::string image;
  EngineFlags engine;
  bool json = false, quiet = false;
};

// The recipe in the image, or in the sidecar that --clean leaves beside it.
Result<ordered_json> find_recipe(const std::filesystem::path& path,
                                 const io::ImageMetadata& metadata) {
  if (const std::string* text = io::find_text(metadata, "recipe")) return graph::parse_json(*text);
  std::filesystem::path sidecar = path;
  sidecar.replace_extension(".recipe.json");
  std::error_code error;
  if (!std::filesystem::exists(sidecar, error)) {
    return Error(ErrorKind::kInvalidInput, path.string() + " carries no recipe, and there is no " +
                                               sidecar.filename().string() + " beside it");
  }
  OBSCURA_ASSIGN(std::string text, read_file(sidecar));
  return graph::parse_json(text);
}

Status check_recipe(const ordered_json& recipe) {
  bool sound = recipe.is_object() && recipe.value("format", 0) == nodes::kRecipeFormat &&
               recipe.contains("workflow") && recipe.contains("node") &&
               recipe["node"].is_string() && recipe.contains("index") &&
               recipe["index"].is_number_integer();
  if (sound) return {};
  return Error(ErrorKind::kInvalidInput,
               fmt::format("wanted a recipe of format {} with workflow, node and index; found {}",
                           nodes::kRecipeFormat, recipe.dump().substr(0, 80)));
}

// What the two recipes say differently about everything but the image: one line each.
void compare_facts(const ordered_json& then, const ordered_json& now, const std::string& place,
                   std::vector<std::string>& lines) {
  if (then == now) return;
  if (then.is_object() && now.is_object()) {
    for (const auto& [key, value] : now.items()) {
      std::string inner = place.empty() ? key : place + "." + key;
      compare_facts(then.contains(key) ? then[key] : ordered_json(), value, inner, lines);
    }
    return;
  }
  lines.push_back(fmt::format("{}: then {}, now {}", place, then.dump(), now.dump()));
}

struct PixelDifference {
  std::int64_t samples = 0, total = 0;
  int largest = 0;
};

PixelDifference compare_pixels(const Tensor& then, const Tensor& now) {
  PixelDifference difference{.total = now.elements()};
  for (std::int64_t i = 0; i < now.elements(); ++i) {
    int apart = std::abs(static_cast<int>(io::quantised(then.data()[i], 255)) -
                         static_cast<int>(io::quantised(now.data()[i], 255)));
    difference.samples += apart != 0 ? 1 : 0;
    difference.largest = std::max(difference.largest, apart);
  }
  return difference;
}

Result<library::FinishedImage> render_again(const VerifyOptions& options,
                                            const ordered_json& recipe) {
  MemorySink sink;
  OBSCURA_ASSIGN(
      EngineOptions engine_options,
      options.engine.options(std::filesystem::path(options.image).parent_path() / "input"));
  OBSCURA_ASSIGN(auto engine, Engine::open(engine_options, sink));
  OBSCURA_ASSIGN(graph::Workflow workflow, graph::Workflow::from_json(recipe["workflow"]));
  const std::string node = recipe["node"].get<std::string>();
  OBSCURA_ASSIGN(graph::Validation validation, engine->validate(workflow, {node}));
  auto progress = make_progress(progress_style(false, options.quiet || options.json),
                                validation.resolved.nodes.size());
  OBSCURA_TRY(engine->run(validation, ordered_json::object(), *progress, cancel_on_signals()));
  for (const library::FinishedImage& image : sink.images())
    if (image.node.id == node && image.index == recipe["index"].get<std::int64_t>()) return image;
  return Error(ErrorKind::kInvalidInput, "the recipe's workflow made no image " +
                                             recipe["index"].dump() + " at node " + node);
}

// What is left of the pixels in the image's format: JPEG loses some, and has no alpha.
Result<Tensor> as_the_file_holds_it(const library::FinishedImage& finished) {
  if (!finished.encode) return finished.pixels;
  OBSCURA_ASSIGN(library::EncodedImage encoded, finished.encode(finished.pixels, {}));
  OBSCURA_ASSIGN(io::Image image, io::decode_image(encoded.bytes, "the image made again"));
  return std::move(image.pixels);
}

Status run_verify(const VerifyOptions& options) {
  OBSCURA_ASSIGN(io::Image image, io::read_image(options.image));
  OBSCURA_ASSIGN(ordered_json recipe, find_recipe(options.image, image.metadata));
  OBSCURA_TRY(check_recipe(recipe));
  OBSCURA_ASSIGN(library::FinishedImage again, render_again(options, recipe));

  OBSCURA_ASSIGN(Tensor pixels, as_the_file_holds_it(again));

  std::vector<std::string> facts;
  for (const char* key : {"program", "device", "precision", "models", "inputs"})
    compare_facts(recipe.contains(key) ? recipe[key] : ordered_json(), again.recipe[key], key,
                  facts);
  std::string verdict;
  if (image.pixels.shape() != pixels.shape()) {
    verdict = fmt::format("the sizes differ: the file has {}, the recipe makes {}",
                          image.pixels.shape().text(), pixels.shape().text());
  } else {
    PixelDifference difference = compare_pixels(image.pixels, pixels);
    if (difference.samples > 0) {
      verdict = fmt::format("{} of {} samples differ, by at most {}/255", difference.samples,
                            difference.total, difference.largest);
    }
  }
  bool same = verdict.empty();
  if (options.json) {
    print_event({{"event", "verified"},
                 {"path", options.image},
                 {"same", same},
                 {"difference", verdict},
                 {"changed", facts}});
  } else {
    fmt::print("{}: {}\n", options.image,
               same ? "the same bits" : "NOT the same image: " + verdict);
    for (const std::string& fact : facts) fmt::print("  {}\n", fact);
    if (!same && facts.empty())
      fmt::print("  nothing else differs: the pixels of the file were changed after it was made\n");
  }
  if (same) return {};
  return Error(ErrorKind::kNumeric, options.image + ": " + verdict);
}

const RegisterCommand kVerify(40, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      app.add_subcommand("verify", "Render an image again from its recipe and compare every bit");
  command->add_option("IMAGE", options->image, "An image that Obscura made")->required();
  options->engine.declare(*command);
  command->add_flag("--json", options->json, "Print the verdict as JSON");
  command->add_flag("--quiet", options->quiet, "Show no progress");
  command->footer(
      "Exit status: 0 the same bits, 1 something differs, 2 the image has no recipe or cannot be "
      "rendered here.\n"
      "Examples:\n"
      "  obscura verify output/product_shot_00001_.png\n"
      "  obscura verify shot.png --models ~/ComfyUI --device cpu");
  command->callback([options, &action] { action = [options] { return run_verify(*options); }; });
});

}  // namespace
}  // namespace obscura::app
