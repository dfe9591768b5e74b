// `obscura show`: what an image carries, and the workflow in it.
#include <fmt/format.h>

#include <memory>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/model_defaults.h"
#include "app/progress.h"
#include "app/workflow_source.h"
#include "base/files.h"
#include "base/memory_text.h"
#include "io/image.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

struct ShowOptions {
  std::string image, text;
  std::vector<std::string> models;
  bool workflow = false, json = false;
};

Status print_workflow(const ShowOptions& options) {
  OBSCURA_ASSIGN(graph::WorkflowFile file, read_workflow_source(options.image, options.models));
  fmt::print("{}\n", file.workflow.to_json().dump(2));
  return {};
}

Status print_text(const ShowOptions& options) {
  OBSCURA_ASSIGN(io::ImageMetadata texts, io::read_metadata(options.image));
  const std::string* text = io::find_text(texts, options.text);
  if (text != nullptr) {
    fmt::print("{}\n", *text);
    return {};
  }
  std::string keys;
  for (const io::TextEntry& entry : texts) keys += (keys.empty() ? "" : ", ") + entry.key;
  return Error(ErrorKind::kNotFound,
               fmt::format("{} carries no text \"{}\"; it has: {}", options.image, options.text,
                           keys.empty() ? "none" : keys));
}

// What Obscura would do with the image.
std::string use_of(const io::ImageMetadata& texts) {
  if (io::find_text(texts, "recipe") != nullptr)
    return "`obscura verify` makes it again and compares";
  for (const char* key : {"prompt", "workflow", "parameters"})
    if (io::find_text(texts, key) != nullptr) return "`obscura render` makes it again";
  return "nothing says how it was made";
}

Status run_show(const ShowOptions& options) {
  if (options.workflow) return print_workflow(options);
  if (!options.text.empty()) return print_text(options);
  OBSCURA_ASSIGN(const std::string file, read_file(options.image, kMostImageBytes));
  const auto bytes = std::as_bytes(std::span(file));
  OBSCURA_ASSIGN(io::Image image, io::decode_image(bytes, options.image));
  const Shape& shape = image.pixels.shape();
  const std::string format(name_of(*io::recognise_image(bytes)));
  const std::string profile = io::profile_title(image.profile).value_or("");
  if (options.json) {
    ordered_json texts = ordered_json::array();
    for (const io::TextEntry& entry : image.metadata)
      texts.push_back({{"key", entry.key}, {"text", entry.text}});
    print_event({{"event", "image"},
                 {"path", options.image},
                 {"format", format},
                 {"width", shape[1]},
                 {"height", shape[0]},
                 {"alpha", shape[2] == 4},
                 {"profile", profile},
                 {"texts", std::move(texts)}});
    return {};
  }
  fmt::print("{}: {}, {}x{}{}{}\n", options.image, format, shape[1], shape[0],
             shape[2] == 4 ? ", alpha" : "",
             profile.empty() ? "" : ", colour profile \"" + profile + "\"");
  for (const io::TextEntry& entry : image.metadata) {
    if (entry.key == "parameters") {
      fmt::print("{}\n", entry.text);
    } else {
      fmt::print("  text \"{}\": {}\n", entry.key, memory_text(entry.text.size()));
    }
  }
  fmt::print("{}\n", use_of(image.metadata));
  return {};
}

const RegisterCommand kShow(45, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command =
      app.add_subcommand("show", "What an image carries: size, colour profile, recipe, workflow");
  command->add_option("IMAGE", options->image, "A PNG, JPEG, WebP, TIFF or OpenEXR image")
      ->required();
  CLI::Option* workflow = command->add_flag(
      "--workflow", options->workflow,
      "Print the workflow inside, or the one that AUTOMATIC1111's parameters come to");
  CLI::Option* text =
      command->add_option("--text", options->text, "Print one of the texts: prompt, parameters, …");
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON");
  workflow->excludes(text)->excludes(json);
  text->excludes(json);
  command->add_option(
      "--models", options->models,
      "A models folder, in which the models that parameters name are looked for; may be repeated");
  command->footer(
      "Examples:\n"
      "  obscura show output/product_shot_00001_.png\n"
      "  obscura show 00001-1234.jpg --workflow > again.json");
  command->callback([options, &action] { action = [options] { return run_show(*options); }; });
});

}  // namespace
}  // namespace obscura::app
