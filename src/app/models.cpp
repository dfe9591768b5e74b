// `obscura models`: what there is, what a file holds, and files of the real size for trying out.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/model_defaults.h"
#include "app/progress.h"
#include "base/files.h"
#include "base/memory_text.h"
#include "checkpoint/kinds/unet.h"
#include "io/random_checkpoint.h"
#include "pipeline/model.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

struct ModelsOptions {
  std::vector<std::string> roots;
  std::string file, keys, output;
  std::uint64_t seed = 0;
  bool json = false;

  void open(library::ModelFolders& models) const {
    open_model_folders(models, {roots.begin(), roots.end()});
  }
};

Status run_list(const ModelsOptions& options) {
  library::ModelFolders models;
  options.open(models);
  ordered_json all = ordered_json::object();
  for (const std::string& kind : library::ModelFolders::kinds()) {
    for (const std::string& name : models.list(kind)) {
      if (options.json) {
        all[kind].push_back(name);
      } else {
        fmt::print("{}/{}\n", kind, name);
      }
    }
  }
  if (options.json) print_event(all);
  return {};
}

// A file by its path, or a checkpoint by the name that workflows use.
Result<std::shared_ptr<const pipeline::ModelFile>> open_model(const ModelsOptions& options,
                                                              library::ModelFolders& models) {
  std::error_code error;
  if (std::filesystem::exists(options.file, error))
    return pipeline::ModelFile::open(options.file, options.file);
  options.open(models);
  return models.open("checkpoints", options.file);
}

ordered_json describe(const pipeline::ModelFile& file) {
  const checkpoint::CheckpointLayout& layout = file.layout();
  ordered_json json;
  json["file"] = file.name();
  json["bytes"] = file.file().bytes();
  json["kind"] = layout.title();
  json["architecture"] = layout.family == nullptr ? "" : layout.family->name;
  if (layout.has(checkpoint::kUNet)) {
    json["prediction"] =
        layout.prediction == checkpoint::Prediction::kEpsilon ? "epsilon" : "velocity";
    json["zero_terminal_snr"] = layout.zero_terminal_snr;
    json["latent_scale"] = layout.family->latents.scale;
  }
  for (const checkpoint::Component& component : layout.components) {
    json["networks"].push_back({{"name", component.kind().id},
                                {"tensors", component.tensors().size()},
                                {"parameters", component.parameters()}});
  }
  json["tensors"] = {{"used", layout.tensors.used.size()},
                     {"ignored", layout.tensors.ignored.size()},
                     {"unknown", layout.tensors.unknown.size()}};
  json["unknown"] = ordered_json::array();
  for (const io::TensorEntry* entry : layout.tensors.unknown)
    json["unknown"].push_back(entry->name + " " + entry->shape.text());
  json["metadata"] = ordered_json::object();
  for (const auto& [key, text] : file.file().metadata()) json["metadata"][key] = text;
  return json;
}

void print_description(const ordered_json& json) {
  fmt::print("{}: {}, {}{}{}\n", json["file"].get<std::string>(), json["kind"].get<std::string>(),
             memory_text(json["bytes"].get<std::size_t>()),
             json.contains("prediction")
                 ? ", " + json["prediction"].get<std::string>() + " prediction"
                 : "",
             json.value("zero_terminal_snr", false) ? ", zero terminal SNR" : "");
  for (const ordered_json& network : json["networks"]) {
    fmt::print("  {:<8} {:>14} parameters in {:>5} tensors\n", network["name"].get<std::string>(),
               network["parameters"].get<std::int64_t>(), network["tensors"].get<std::int64_t>());
  }
  const ordered_json& tensors = json["tensors"];
  fmt::print("  tensors: {} used, {} known and not needed, {} unknown\n",
             tensors["used"].get<int>(), tensors["ignored"].get<int>(),
             tensors["unknown"].get<int>());
  for (const ordered_json& name : json["unknown"])
    fmt::print("    unknown: {}\n", name.get<std::string>());
  for (const auto& [key, text] : json["metadata"].items())
    fmt::print("  {}: {}\n", key, text.get<std::string>().substr(0, 200));
}

Status run_inspect(const ModelsOptions& options) {
  library::ModelFolders models;
  OBSCURA_ASSIGN(auto file, open_model(options, models));
  ordered_json json = describe(*file);
  if (options.json) {
    print_event(json);
  } else {
    print_description(json);
  }
  return {};
}

Status run_random(const ModelsOptions& options) {
  io::RandomCheckpointOptions random{.seed = options.seed, .cancel = cancel_on_signals()};
  auto begin = std::chrono::steady_clock::now();
  bool bar = ::isatty(STDERR_FILENO) != 0;
  OBSCURA_TRY(io::write_random_checkpoint(
      options.keys, options.output, random, [&](std::uint64_t written, std::uint64_t total) {
        if (!bar) return;
        std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        double rate = static_cast<double>(written) / std::max(taken.count(), 1e-3);
        fmt::print(stderr, "\r\x1b[K{} of {}, {}/s, {:.0f} s left", memory_text(written),
                   memory_text(total), memory_text(static_cast<std::size_t>(rate)),
                   static_cast<double>(total - written) / std::max(rate, 1.0));
      }));
  if (bar) std::fputs("\r\x1b[K", stderr);
  fmt::print("{}\n", options.output);
  return {};
}

const RegisterCommand kModels(50, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<ModelsOptions>();
  CLI::App* command = app.add_subcommand("models", "List, inspect and make model files");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  obscura models list --models ~/ComfyUI\n"
      "  obscura models inspect sd_xl_base_1.0.safetensors\n"
      "  obscura models random models/keys/sdxl_base_keys.tsv random.safetensors");
  auto folders = [&](CLI::App* sub) {
    sub->add_option("--models", options->roots,
                    "A models folder; may be repeated. Without it: $OBSCURA_MODELS, else "
                    "~/.local/share/obscura/models");
    sub->add_flag("--json", options->json, "Print JSON");
  };

  CLI::App* list = command->add_subcommand("list", "The models that workflows can name");
  folders(list);
  list->callback([options, &action] { action = [options] { return run_list(*options); }; });

  CLI::App* inspect = command->add_subcommand(
      "inspect", "What a model file is: architecture, networks, tensors, metadata");
  inspect->add_option("FILE", options->file, "A path, or a name of the checkpoints folder")
      ->required();
  folders(inspect);
  inspect->callback([options, &action] { action = [options] { return run_inspect(*options); }; });

  CLI::App* random = command->add_subcommand(
      "random", "Write a checkpoint with random weights from a list of tensors");
  random
      ->add_option("KEYS", options->keys,
                   "A list of tensors: a line each of name, dtype and shape, with tabs between")
      ->required();
  random->add_option("OUT", options->output, "The safetensors file to write")->required();
  random->add_option("--seed", options->seed, "The seed that the weights are drawn by")
      ->capture_default_str();
  random->callback([options, &action] { action = [options] { return run_random(*options); }; });
});

}  // namespace
}  // namespace obscura::app
