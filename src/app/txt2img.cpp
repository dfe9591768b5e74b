// `obscura txt2img`: a prompt turned into a workflow, and run as any other.
#include <fmt/format.h>

#include <memory>
#include <random>
#include <tuple>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/model_defaults.h"
#include "app/render_job.h"
#include "base/files.h"
#include "checkpoint/pocket.h"
#include "workflows/text_to_image.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

struct Txt2imgOptions {
  workflows::TextToImage image{.model = std::string(checkpoint::kPocketModelName),
                               .prefix = "txt2img"};
  std::string size, save_workflow;
  RenderFlags flags;
};

// "1024x768".
Result<std::pair<int, int>> parse_size(const std::string& text) {
  int width = 0, height = 0, length = 0;
  if (std::sscanf(text.c_str(), "%dx%d%n", &width, &height, &length) == 2 &&
      static_cast<std::size_t>(length) == text.size() && width > 0 && height > 0) {
    return std::pair(width, height);
  }
  return Error(ErrorKind::kInvalidInput,
               "--size: wanted WIDTHxHEIGHT as in 1024x768, found '" + text + "'");
}

std::uint64_t random_seed() {
  std::random_device source;
  return (std::uint64_t{source()} << 32 | source()) >> 11;  // JSON readers keep 53 bits
}

Status run_txt2img(const Txt2imgOptions& options) {
  OBSCURA_ASSIGN(EngineOptions engine, options.flags.engine.options("input"));
  workflows::TextToImage image = options.image;
  std::string size = options.size;
  if (size.empty()) {
    OBSCURA_ASSIGN(size, trained_size(engine.models, image.model));
  }
  OBSCURA_ASSIGN(std::tie(image.width, image.height), parse_size(size));
  image.seed = options.flags.seed ? *options.flags.seed : random_seed();
  const ordered_json document = workflows::text_to_image_workflow(image);
  if (!options.save_workflow.empty())
    OBSCURA_TRY(write_file_atomically(options.save_workflow, document.dump(2) + "\n"));
  graph::WorkflowFile file;
  OBSCURA_ASSIGN(file.workflow, graph::Workflow::from_json(document));
  return render(file, options.flags, "input");
}

const RegisterCommand kTxt2Img(20, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<Txt2imgOptions>();
  CLI::App* command = app.add_subcommand("txt2img", "Make images from a prompt");
  command->add_option("PROMPT", options->image.prompt, "What the image is to show")->required();
  command->add_option("--negative", options->image.negative,
                      "Negative prompt: what it is not to show");
  command->add_option("--model", options->image.model, "A file of the checkpoints folder")
      ->capture_default_str();
  command->add_option("--size", options->size,
                      "WIDTHxHEIGHT in pixels; what the model was trained at unless given");
  command->add_option("--steps", options->image.steps, "Steps of the sampler")
      ->capture_default_str();
  command->add_option("--cfg", options->image.cfg, "CFG scale: how strongly the prompt leads")
      ->capture_default_str();
  command->add_option("--sampler", options->image.sampler, "One of KSampler's: euler, dpmpp_2m, …")
      ->capture_default_str();
  command
      ->add_option("--scheduler", options->image.scheduler, "One of KSampler's: normal, karras, …")
      ->capture_default_str();
  command
      ->add_option("--batch", options->image.batch_size,
                   "Batch size: the images' seeds count up, and each equals a single render")
      ->capture_default_str();
  command->add_option("--prefix", options->image.prefix, "Beginning of the files' names")
      ->capture_default_str();
  command->add_option("--save-workflow", options->save_workflow,
                      "Also write the workflow that was run to this file");
  options->flags.declare(*command);
  command->footer(
      "Examples:\n"
      "  obscura txt2img \"product photo of a glossy red bottle on marble, studio light\"\n"
      "  obscura txt2img \"a photo of a gold ring on velvet, night\" --seed 7 --batch 4\n"
      "  obscura txt2img \"a lighthouse\" --model sd_xl_base_1.0.safetensors --size 1024x1024 "
      "--models ~/ComfyUI\n"
      "  obscura txt2img \"a blue vase on sand\" --save-workflow vase.json");
  command->callback([options, &action] { action = [options] { return run_txt2img(*options); }; });
});

}  // namespace
}  // namespace obscura::app
