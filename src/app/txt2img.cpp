// `obscura txt2img`: a prompt turned into a workflow, and run as any other.
#include <fmt/format.h>

#include <memory>
#include <random>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/model_defaults.h"
#include "app/render_job.h"
#include "base/files.h"
#include "checkpoint/pocket.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

struct Txt2imgOptions {
  std::string prompt, negative, size, model = std::string(checkpoint::kPocketModelName);
  std::string sampler = "euler", scheduler = "normal", prefix = "txt2img", save_workflow;
  int steps = 20, batch = 1;
  double cfg = 7;
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

ordered_json node(const char* type, ordered_json inputs, const char* title = nullptr) {
  ordered_json json = {{"class_type", type}, {"inputs", std::move(inputs)}};
  if (title != nullptr) json["_meta"] = {{"title", title}};
  return json;
}

ordered_json link(const char* id, int slot) {
  return ordered_json::array({id, slot});
}

ordered_json workflow_of(const Txt2imgOptions& options, std::pair<int, int> size,
                         std::uint64_t seed) {
  ordered_json workflow;
  workflow["1"] = node("CheckpointLoaderSimple", {{"ckpt_name", options.model}});
  workflow["2"] =
      node("CLIPTextEncode", {{"text", options.prompt}, {"clip", link("1", 1)}}, "Prompt");
  workflow["3"] = node("CLIPTextEncode", {{"text", options.negative}, {"clip", link("1", 1)}},
                       "Negative prompt");
  workflow["4"] =
      node("EmptyLatentImage",
           {{"width", size.first}, {"height", size.second}, {"batch_size", options.batch}});
  const char* latent = "4";
  if (options.batch > 1) {
    workflow["8"] =
        node("LatentSeeds", {{"samples", link("4", 0)}, {"seeds", std::to_string(seed)}});
    latent = "8";
  }
  workflow["5"] = node("KSampler", {{"model", link("1", 0)},
                                    {"seed", seed},
                                    {"steps", options.steps},
                                    {"cfg", options.cfg},
                                    {"sampler_name", options.sampler},
                                    {"scheduler", options.scheduler},
                                    {"positive", link("2", 0)},
                                    {"negative", link("3", 0)},
                                    {"latent_image", link(latent, 0)},
                                    {"denoise", 1.0}});
  workflow["6"] = node("VAEDecode", {{"samples", link("5", 0)}, {"vae", link("1", 2)}});
  workflow["7"] =
      node("SaveImage", {{"images", link("6", 0)}, {"filename_prefix", options.prefix}});
  return workflow;
}

std::uint64_t random_seed() {
  std::random_device source;
  return (std::uint64_t{source()} << 32 | source()) >> 11;  // JSON readers keep 53 bits
}

Status run_txt2img(const Txt2imgOptions& options) {
  OBSCURA_ASSIGN(EngineOptions engine, options.flags.engine.options("input"));
  std::string size_text = options.size;
  if (size_text.empty()) {
    OBSCURA_ASSIGN(size_text, trained_size(engine.models, options.model));
  }
  OBSCURA_ASSIGN(auto size, parse_size(size_text));
  std::uint64_t seed = options.flags.seed.value_or(0);
  if (!options.flags.seed) seed = random_seed();
  ordered_json document = workflow_of(options, size, seed);
  if (!options.save_workflow.empty())
    OBSCURA_TRY(write_file_atomically(options.save_workflow, document.dump(2) + "\n"));
  graph::WorkflowFile file;
  OBSCURA_ASSIGN(file.workflow, graph::Workflow::from_json(document));
  return render(file, options.flags, "input");
}

const RegisterCommand kTxt2Img(20, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<Txt2imgOptions>();
  CLI::App* command = app.add_subcommand("txt2img", "Make pictures from a prompt");
  command->add_option("PROMPT", options->prompt, "What the picture is to show")->required();
  command->add_option("--negative", options->negative, "What it is not to show");
  command->add_option("--model", options->model, "A file of the checkpoints folder")
      ->capture_default_str();
  command->add_option("--size", options->size,
                      "WIDTHxHEIGHT in pixels; what the model was trained at unless given");
  command->add_option("--steps", options->steps, "Steps of the sampler")->capture_default_str();
  command->add_option("--cfg", options->cfg, "How strongly the prompt leads")
      ->capture_default_str();
  command->add_option("--sampler", options->sampler, "euler, dpmpp_2m, …")->capture_default_str();
  command->add_option("--scheduler", options->scheduler, "normal, karras, …")
      ->capture_default_str();
  command
      ->add_option("--batch", options->batch,
                   "Pictures at once; their seeds count up, and each equals a single render")
      ->capture_default_str();
  command->add_option("--prefix", options->prefix, "Beginning of the files' names")
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
