// `obscura bench`: how fast this machine runs the networks, beside what its matrix library reaches.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/memory_size.h"
#include "app/synthetic_weights.h"
#include "backend/backend.h"
#include "base/files.h"
#include "base/hash.h"
#include "checkpoint/family.h"
#include "ir/attention.h"
#include "ir/conv2d.h"
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

// Multiply-adds, counted as two operations, of the matrix work of a node.
double operations(const ir::Graph& graph, const ir::Node& node) {
  auto elements = [&](ir::ValueId id) {
    return static_cast<double>(graph.type(id).shape.elements());
  };
  if (dynamic_cast<const ir::LinearOp*>(node.op.get()) != nullptr) {
    return 2 * elements(node.inputs[0]) * static_cast<double>(graph.type(node.output()).shape[-1]);
  }
  if (dynamic_cast<const ir::Conv2dOp*>(node.op.get()) != nullptr) {
    const Shape& w = graph.type(node.inputs[1]).shape;
    return 2 * elements(node.output()) * static_cast<double>(w[1] * w[2] * w[3]);
  }
  if (dynamic_cast<const ir::AttentionOp*>(node.op.get()) != nullptr) {
    return 4 * elements(node.output()) * static_cast<double>(graph.type(node.inputs[1]).shape[1]);
  }
  return 0;
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

// A Linear of the size that DESIGN's yardstick names, through the same backend: the library's
// matrix rate in operations a second.
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

void print_profile(const ir::Graph& graph, const std::vector<double>& seconds) {
  struct Row {
    int count = 0;
    double seconds = 0, operations = 0;
  };
  std::map<std::string, Row> rows;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    if (node.op->is_view()) continue;
    std::string name =
        fmt::format("{:<13}{:>18}", node.op->name(), graph.type(node.inputs[0]).shape.text());
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      const ir::Value& operand = graph.value(node.inputs[i]);
      if (operand.weight && operand.type.shape.rank() > 1)
        name += " * " + operand.type.shape.text();
    }
    Row& row = rows[name];
    ++row.count;
    row.seconds += seconds[n];
    row.operations += operations(graph, node);
  }
  std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  fmt::print("{:>6} {:>9} {:>9}  op\n", "count", "ms", "GFLOP/s");
  for (std::size_t i = 0; i < std::min<std::size_t>(sorted.size(), 40); ++i) {
    const auto& [name, row] = sorted[i];
    fmt::print("{:>6} {:>9.2f} {:>9.0f}  {}\n", row.count, row.seconds * 1e3,
               row.operations / row.seconds / 1e9, name);
  }
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

void print_times(const nlohmann::ordered_json& r) {
  auto number = [&](const char* key) { return r[key].get<double>(); };
  auto text = [&](const char* key) { return r[key].get<std::string>(); };
  constexpr double kGiB = 1 << 30;
  fmt::print("{}; {}\n", text("hardware"), text("libraries"));
  fmt::print("built and planned in {:.1f} ms: {} nodes, arena {:.3f} GiB, weights {:.3f} GiB",
             number("build_ms"), r["nodes"].get<int>(), number("arena_bytes") / kGiB,
             number("weight_bytes") / kGiB);
  if (number("streamed_bytes") > 0)
    fmt::print(", {:.3f} GiB streamed in each run", number("streamed_bytes") / kGiB);
  fmt::print("\nweights prepared in {:.2f} s\n", number("load_s"));
  fmt::print(
      "{} at {}x{}, batch {}, {}: median {:.2f} ms, fastest {:.2f} ms of {} runs; {:.2f} TFLOP, "
      "{:.0f} GFLOP/s = {:.0f} % of the library's {:.0f} GFLOP/s\n",
      text("network"), r["size"].get<int>(), r["size"].get<int>(), r["batch"].get<int>(),
      text("precision"), number("median_ms"), number("fastest_ms"), r["runs"].get<int>(),
      number("tflop"), number("gflops"), 100 * number("gflops") / number("library_gflops"),
      number("library_gflops"));
  if (number("launch_ms") > 0) fmt::print("{:.3f} ms of a run on the host\n", number("launch_ms"));
  if (r.contains("against")) {
    fmt::print("from {} in fp32 it differs by {:.3g} (root mean square), {:.3g} (largest)\n",
               r["against"]["device"].get<std::string>(), r["against"]["rms"].get<double>(),
               r["against"]["largest"].get<double>());
  }
}

Status run_bench(const BenchOptions& options) {
  std::error_code error;
  // What the file holds already is kept, and not measured again.
  if (!options.tune.empty() && std::filesystem::exists(options.tune, error))
    ::setenv("OBSCURA_CUDA_CHOICES", options.tune.c_str(), 1);
  OBSCURA_ASSIGN(runtime::Session session,
                 open_session(options.device, options.precision, options.budget));
  const backend::DeviceDescription before = session.device().describe();
  if (!options.tune.empty()) {
    if (session.device().chooser() == nullptr) {
      return Error(ErrorKind::kUnsupported,
                   before.name + " has no kernels to choose from: --tune is for a GPU");
    }
    session.device().chooser()->tune(true);
  }
  nlohmann::ordered_json report = {
      {"network", options.network},
      {"size", options.size},
      {"batch", options.batch},
      {"device", before.name},
      {"precision", options.precision == "auto" ? before.precisions.front() : options.precision},
      {"hardware", before.hardware},
      {"libraries", before.libraries}};

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

  Bindings bound(program->graph());
  double total_operations = 0;
  for (const ir::Node& node : program->graph().nodes)
    total_operations += operations(program->graph(), node);

  OBSCURA_ASSIGN(double rate, matrix_rate(session, options.repeats));
  // The first run brings in kernels; a device that replays runs records the second.
  for (int i = 0; i < (before.name == "cpu" ? 1 : 2); ++i)
    OBSCURA_TRY(session.run(*program, bound.inputs, bound.outputs, CancelToken()));
  std::vector<double> seconds;
  double launching = 0;
  for (int i = 0; i < options.repeats; ++i) {
    begin = std::chrono::steady_clock::now();
    OBSCURA_TRY(session.run(*program, bound.inputs, bound.outputs, CancelToken()));
    seconds.push_back(elapsed_seconds(begin));
    launching += program->launch_seconds() / options.repeats;
  }
  // Taken now: the yardstick has an arena and weights of its own.
  report["peak_held_bytes"] = session.peak_held_bytes();
  report["output_sha256"] = sha256_hex(std::as_bytes(bound.result().values()));
  OBSCURA_ASSIGN(double rate_after, matrix_rate(session, options.repeats));
  std::sort(seconds.begin(), seconds.end());
  report["runs"] = options.repeats;
  report["median_ms"] = seconds[seconds.size() / 2] * 1e3;
  report["fastest_ms"] = seconds[0] * 1e3;
  report["launch_ms"] = launching * 1e3;
  report["tflop"] = total_operations / 1e12;
  report["gflops"] = total_operations / seconds[0] / 1e9;
  report["library_gflops"] = std::max(rate, rate_after) / 1e9;
  report["kernel_set"] = session.device().describe().kernel_set;
  if (!options.against.empty()) {
    OBSCURA_ASSIGN(report["against"], compare(options, bound.result()));
  }
  if (options.json) {
    fmt::print("{}\n", report.dump());
  } else {
    print_times(report);
  }
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
  command->add_option("--batch", options->batch, "Images at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--repeats", options->repeats, "Runs; the fastest counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--device", options->device, "auto, cpu, cuda or cuda:N")
      ->capture_default_str();
  command
      ->add_option("--precision", options->precision, "auto, fp32, fp16, bf16, as the device has")
      ->capture_default_str();
  command->add_option("--budget", options->budget, "Memory for weights and results: 4GiB");
  command->add_option("--tune", options->tune,
                      "Measure a GPU's kernels that are not on record in FILE, and write it");
  command->add_option("--against", options->against,
                      "Also say how far the result is from this device's in fp32");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->add_flag("--profile", options->profile, "Also print the time of each kind of op");
  command->callback([options, &action] { action = [options] { return run_bench(*options); }; });
});

}  // namespace
}  // namespace obscura::app
