// `obscura bench`: how fast this machine runs the networks, beside what its matrix library reaches.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/bench_report.h"
#include "app/command.h"
#include "app/memory_size.h"
#include "app/synthetic_weights.h"
#include "backend/backend.h"
#include "base/files.h"
#include "base/hash.h"
#include "checkpoint/family.h"
#include "ir/linear.h"
#include "models/unet/unet.h"
#include "models/vae/vae.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::app {
namespace {

struct BenchOptions {
  std::string network = "unet";
  int size = 512;
  int batch = 1;
  int repeats = 3;
  std::string device = "auto";
  std::string precision = "auto";
  std::string budget;
  std::string tune, against;
  bool profile = false, json = false;
};

double elapsed_seconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Result<ir::Graph> build(const BenchOptions& options, const runtime::WeightStore& weights) {
  std::int64_t latent = options.size / checkpoint::kUsualLatents.pixels;
  if (options.network == "unet") {
    models::UNetCall call{.batch = options.batch, .height = latent, .width = latent, .tokens = 77};
    return models::build_unet(weights, {}, call);
  }
  if (options.network == "vae-decode")
    return models::build_vae_decoder(weights, options.batch, latent, latent);
  return models::build_vae_encoder(weights, options.batch, options.size, options.size);
}

// The library's matrix rate in operations a second, by a Linear of the size that SDXL has most of.
Result<double> matrix_rate(runtime::Session& session, int repeats) {
  constexpr std::int64_t kRows = 2048, kWidth = 1280;
  auto values = std::make_shared<std::vector<float>>(kWidth * kWidth, 0.01f);
  auto weights = std::make_shared<runtime::WeightStore>("yardstick", values);
  weights->add("w", {DType::kF32, {kWidth, kWidth}, std::as_bytes(std::span(*values))});
  OBSCURA_ASSIGN(runtime::Program * program, session.program("yardstick", weights, [&] {
    ir::Builder builder("yardstick", *weights);
    ir::ValueId x = builder.input("x", {DType::kF32, {1, kRows, kWidth}});
    builder.output("y", ir::linear(builder, x, builder.weight("w"), ir::kNoValue));
    return std::move(builder).finish();
  }));
  Tensor x = Tensor::filled({1, kRows, kWidth}, 0.5f), y({1, kRows, kWidth});
  double best = 1e30;
  OBSCURA_TRY(session.load(*program));
  backend::InputBinding in{"x", std::as_bytes(x.values())};
  backend::OutputBinding out{"y", std::as_writable_bytes(y.values())};
  for (int i = 0; i < 4 * repeats; ++i) {
    OBSCURA_ASSIGN(std::vector<double> seconds,
                   program->profile(std::span(&in, 1), std::span(&out, 1)));
    best = std::min(best, seconds[0]);
  }
  return 2.0 * kRows * kWidth * kWidth / best;
}

// A run's inputs, filled with numbers that repeat, and room for its outputs.
struct Bindings {
  std::vector<Tensor> tensors;  // the inputs', then the outputs'
  std::vector<backend::InputBinding> inputs;
  std::vector<backend::OutputBinding> outputs;

  explicit Bindings(const ir::Graph& graph) {
    for (ir::ValueId id : graph.inputs) {
      const ir::Value& value = graph.value(id);
      tensors.push_back(Tensor::filled(value.type.shape, value.name == "timestep" ? 500.0f : 0.1f));
      for (std::int64_t i = 0; value.name != "timestep" && i < tensors.back().elements(); ++i) {
        tensors.back().data()[i] = static_cast<float>((i * 7919) % 2001 - 1000) * 1e-3f;
      }
      inputs.push_back({value.name, std::as_bytes(tensors.back().values())});
    }
    for (const ir::Output& out : graph.outputs) {
      tensors.emplace_back(graph.type(out.value).shape);
      outputs.push_back({out.name, std::as_writable_bytes(tensors.back().values())});
    }
  }
  const Tensor& result() const { return tensors.back(); }
};

Result<runtime::Session> open_session(const std::string& device, const std::string& precision,
                                      const std::string& budget) {
  OBSCURA_ASSIGN(auto made, backend::create_device(device, precision == "auto" ? "" : precision));
  std::optional<std::size_t> bytes;
  if (!budget.empty()) {
    OBSCURA_ASSIGN(bytes, parse_memory_size(budget));
  }
  return runtime::Session(std::move(made), bytes);
}

Result<runtime::Program*> build_program(runtime::Session& session, const BenchOptions& options) {
  OBSCURA_ASSIGN(auto weights, synthetic_sdxl(options.network == "unet" ? "model.diffusion_model."
                                                                        : "first_stage_model."));
  std::string key = fmt::format("{} {} {}", options.network, options.size, options.batch);
  return session.program(key, weights, [&] { return build(options, *weights); });
}

// How far `result` is from what another device makes of the same inputs and weights in float32:
// the root mean square and the largest difference, relative to the root mean square of the result.
Result<nlohmann::ordered_json> compare(const BenchOptions& options, const Tensor& result) {
  OBSCURA_ASSIGN(runtime::Session session, open_session(options.against, "fp32", ""));
  OBSCURA_ASSIGN(runtime::Program * program, build_program(session, options));
  Bindings bound(program->graph());
  OBSCURA_TRY(session.run(*program, bound.inputs, bound.outputs, CancelToken()));
  double squares = 0, differences = 0, largest = 0;
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    double wanted = bound.result().data()[i], difference = result.data()[i] - wanted;
    squares += wanted * wanted;
    differences += difference * difference;
    largest = std::max(largest, std::fabs(difference));
  }
  auto count = static_cast<double>(result.elements());
  double rms = std::sqrt(squares / count);
  return nlohmann::ordered_json{{"device", session.device().describe().name},
                                {"rms", std::sqrt(differences / count) / rms},
                                {"largest", largest / rms}};
}

Status save_choices(runtime::Session& session, const std::string& file) {
  return write_file_atomically(file, session.device().chooser()->choices());
}

// Chooses kernels by what FILE says, and measures those that it does not have.
Status begin_tuning(const backend::DeviceDescription& device, backend::KernelChooser* chooser) {
  if (chooser == nullptr) {
    return Error(ErrorKind::kUnsupported,
                 device.name + " has no kernels to choose from: --tune is for a GPU");
  }
  chooser->tune(true);
  return {};
}

// Builds and loads the network, and says what that took.
Result<runtime::Program*> load_program(runtime::Session& session, const BenchOptions& options,
                                       nlohmann::ordered_json& report) {
  auto begin = std::chrono::steady_clock::now();
  OBSCURA_ASSIGN(runtime::Program * program, build_program(session, options));
  report["build_ms"] = elapsed_seconds(begin) * 1e3;
  if (!options.tune.empty()) OBSCURA_TRY(save_choices(session, options.tune));
  begin = std::chrono::steady_clock::now();
  OBSCURA_TRY(session.load(*program));
  report["load_s"] = elapsed_seconds(begin);
  report["nodes"] = program->graph().nodes.size();
  report["arena_bytes"] = program->plan().arena_bytes;
  report["weight_bytes"] = program->plan().resident_weight_bytes;
  report["streamed_bytes"] = program->plan().streamed_weight_bytes;
  return program;
}

struct RunTimes {
  std::vector<double> seconds;  // of each run, the shortest first
  double launching = 0;         // of a run, on the host
};

Result<RunTimes> time_runs(runtime::Session& session, runtime::Program& program, Bindings& bound,
                           int repeats) {
  // The first run brings in kernels; a device that replays runs records the second.
  for (int i = 0; i < (session.device().describe().kind == backend::DeviceKind::kCpu ? 1 : 2); ++i)
    OBSCURA_TRY(session.run(program, bound.inputs, bound.outputs, CancelToken()));
  RunTimes times;
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    OBSCURA_TRY(session.run(program, bound.inputs, bound.outputs, CancelToken()));
    times.seconds.push_back(elapsed_seconds(begin));
    times.launching += program.launch_seconds() / repeats;
  }
  std::sort(times.seconds.begin(), times.seconds.end());
  return times;
}

// Times the runs, and the library's rate before and after them.
Status measure(runtime::Session& session, runtime::Program& program, Bindings& bound,
               const BenchOptions& options, nlohmann::ordered_json& report) {
  OBSCURA_ASSIGN(const double rate, matrix_rate(session, options.repeats));
  OBSCURA_ASSIGN(const RunTimes times, time_runs(session, program, bound, options.repeats));
  // Taken now: the yardstick has an arena and weights of its own.
  report["peak_held_bytes"] = session.peak_held_bytes();
  report["output_sha256"] = sha256_hex(std::as_bytes(bound.result().values()));
  OBSCURA_ASSIGN(const double rate_after, matrix_rate(session, options.repeats));
  const double operations = operations_of(program.graph());
  report["runs"] = options.repeats;
  report["median_ms"] = times.seconds[times.seconds.size() / 2] * 1e3;
  report["fastest_ms"] = times.seconds[0] * 1e3;
  report["launch_ms"] = times.launching * 1e3;
  report["tflop"] = operations / 1e12;
  report["gflops"] = operations / times.seconds[0] / 1e9;
  report["library_gflops"] = std::max(rate, rate_after) / 1e9;
  report["kernel_set"] = session.device().describe().kernel_set;
  return {};
}

Status run_bench(const BenchOptions& options) {
  std::error_code error;
  // What the file holds already is kept, and not measured again.
  if (!options.tune.empty() && std::filesystem::exists(options.tune, error))
    ::setenv("OBSCURA_CUDA_CHOICES", options.tune.c_str(), 1);
  OBSCURA_ASSIGN(runtime::Session session,
                 open_session(options.device, options.precision, options.budget));
  const backend::DeviceDescription device = session.device().describe();
  if (!options.tune.empty()) OBSCURA_TRY(begin_tuning(device, session.device().chooser()));
  nlohmann::ordered_json report = {
      {"network", options.network},
      {"size", options.size},
      {"batch", options.batch},
      {"device", device.name},
      {"precision", options.precision == "auto" ? device.precisions.front() : options.precision},
      {"hardware", device.hardware},
      {"libraries", device.libraries}};
  OBSCURA_ASSIGN(runtime::Program * program, load_program(session, options, report));
  Bindings bound(program->graph());
  OBSCURA_TRY(measure(session, *program, bound, options, report));
  if (!options.against.empty()) {
    OBSCURA_ASSIGN(report["against"], compare(options, bound.result()));
  }
  if (options.json)
    fmt::print("{}\n", report.dump());
  else
    print_times(report);
  if (!options.profile) return {};
  OBSCURA_ASSIGN(std::vector<double> by_node, program->profile(bound.inputs, bound.outputs));
  print_profile(program->graph(), by_node);
  return {};
}

const RegisterCommand kBench(80, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand(
      "bench", "Time SDXL's full-size networks, with random weights, on this machine");
  command->add_option("network", options->network, "unet, vae-decode or vae-encode")
      ->check(CLI::IsMember({"unet", "vae-decode", "vae-encode"}))
      ->capture_default_str();
  command->add_option("--size", options->size, "Width and height of the image in pixels")
      ->check(CLI::Range(64, 4096))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Batch size")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--repeats", options->repeats, "Runs that are timed")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command
      ->add_option("--device", options->device,
                   "auto (the best GPU, else the CPU), cpu, cuda or cuda:N")
      ->capture_default_str();
  command
      ->add_option("--precision", options->precision, "auto, fp32, fp16, bf16, as the device has")
      ->capture_default_str();
  command->add_option("--budget", options->budget,
                      "Memory that the network may use, as in 4GiB; all that is free unless given");
  command->add_option("--tune", options->tune,
                      "Measure a GPU's kernels that are not on record in FILE, and write it");
  command->add_option("--against", options->against,
                      "Also say how far the result is from this device's in fp32");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->add_flag("--profile", options->profile, "Also print the time of each kind of op");
  command->footer(
      "Examples:\n"
      "  obscura bench\n"
      "  obscura bench vae-decode --size 1024 --budget 4GiB\n"
      "  obscura bench unet --device cuda --precision fp16 --tune kernels.json --json");
  command->callback([options, &action] { action = [options] { return run_bench(*options); }; });
});

}  // namespace
}  // namespace obscura::app
