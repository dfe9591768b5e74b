// `obscura models parity`: a network against what another program computed from the same weights.
#include <fmt/format.h>

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/interrupt.h"
#include "backend/backend.h"
#include "checkpoint/pocket.h"
#include "io/tensor_file.h"
#include "pipeline/parity.h"
#include "runtime/session.h"

namespace obscura::app {
namespace {

struct ParityOptions {
  std::string model, pair, base;
  std::string device = "auto";
  double tolerance = 1e-4;
};

Result<std::shared_ptr<const pipeline::ModelFile>> base_model(const ParityOptions& options) {
  if (!options.base.empty()) return pipeline::ModelFile::open(options.base, options.base);
  return pipeline::ModelFile::embedded(checkpoint::pocket_model(),
                                       std::string(checkpoint::kPocketModelName), "carried");
}

// Of this command a file that cannot be read, or is none that can be compared, is bad input.
template <class T>
Result<T> readable(Result<T> file) {
  if (file.ok()) return file;
  const Error& error = file.error();
  const bool unreadable =
      error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kUnsupported;
  return unreadable ? Error(ErrorKind::kInvalidInput, error.message()) : error;
}

void print_stage(const pipeline::ParityStage& stage) {
  fmt::print("{:<40} absolute {:<9.2e} relative {:<9.2e} PSNR {:6.1f} dB\n", stage.name,
             stage.absolute, stage.relative, stage.psnr);
}

Status run_parity(const ParityOptions& options) {
  OBSCURA_ASSIGN(auto device, backend::create_device(options.device, "fp32"));
  runtime::Session session(std::move(device));
  OBSCURA_ASSIGN(auto model, readable(pipeline::open_parity_model(
                                 options.model, [&] { return base_model(options); })));
  OBSCURA_ASSIGN(io::TensorFile pair, readable(io::TensorFile::open(options.pair)));
  OBSCURA_ASSIGN(auto differing, readable(pipeline::compare(session, model, pair, options.tolerance,
                                                            print_stage, cancel_on_signals())));
  if (!differing) return {};
  return Error(ErrorKind::kNumeric, fmt::format("{} differs by more than {}, the first to do so",
                                                *differing, options.tolerance));
}

const RegisterCommand kParity(51, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<ParityOptions>();
  CLI::App* command = app.get_subcommand("models")->add_subcommand(
      "parity", "Compare a network with what another program computed");
  command->footer(
      "IO holds in.NAME, what goes into the network; out.NAME, what it is to give; and act.PLACE,\n"
      "what a place inside it is to give (act.input_blocks.4.1). Images are (N, C, H, W). Further\n"
      "calls are in.CASE.NAME; a case with a network's name (in.clip_l.ids) asks that one of a\n"
      "file that holds several. A line for each place says the largest absolute and relative\n"
      "error and the PSNR; the first above the tolerance ends it with status 1.\n"
      "Examples:\n"
      "  obscura models parity sd_xl_base_1.0.safetensors unet_io.safetensors\n"
      "  obscura models parity style_lora.safetensors lora_io.safetensors --tolerance 1e-3");
  command->add_option("MODEL", options->model, "A model file, or an adapter for the base")
      ->required();
  command->add_option("IO", options->pair, "The tensors to feed and to compare")->required();
  command
      ->add_option("--tolerance", options->tolerance,
                   "The largest relative error: a part of the largest value that is wanted")
      ->capture_default_str();
  command
      ->add_option("--device", options->device,
                   "auto (the best GPU, else the CPU), cpu, cuda or cuda:N")
      ->capture_default_str();
  command->add_option("--base", options->base,
                      "The model that an adapter is put on; without it the one inside the program");
  command->callback([options, &action] { action = [options] { return run_parity(*options); }; });
});

}  // namespace
}  // namespace obscura::app
