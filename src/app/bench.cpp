// `obscura bench`: how fast this machine runs the networks, beside what its matrix library reaches.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/memory_size.h"
#include "app/synthetic_weights.h"
#include "backend/backend.h"
#include "ir/attention.h"
#include "ir/conv2d.h"
#include "ir/linear.h"
#include "models/unet/unet.h"
#include "models/vae/vae.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::app {
namespace {

struct Options {
  std::string network = "unet";
  int size = 512;
  int batch = 1;
  int repeats = 3;
  std::string device = "auto";
  std::string precision = "auto";
  std::string budget;
  bool profile = false;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Multiply-adds, counted as two operations, of the matrix work of a node.
double operations(const ir::Graph& graph, const ir::Node& node) {
  auto elements = [&](ir::ValueId id) {
    return static_cast<double>(graph.type(id).shape.elements());
  };
  if (dynamic_cast<const ir::LinearOp*>(node.op.get()) != nullptr) {
    return 2 * elements(node.inputs[0]) * static_cast<double>(graph.type(node.output).shape[-1]);
  }
  if (dynamic_cast<const ir::Conv2dOp*>(node.op.get()) != nullptr) {
    const Shape& w = graph.type(node.inputs[1]).shape;
    return 2 * elements(node.output) * static_cast<double>(w[1] * w[2] * w[3]);
  }
  if (dynamic_cast<const ir::AttentionOp*>(node.op.get()) != nullptr) {
    return 4 * elements(node.output) * static_cast<double>(graph.type(node.inputs[1]).shape[1]);
  }
  return 0;
}

Result<ir::Graph> build(const Options& options, const runtime::WeightStore& weights) {
  std::int64_t latent = options.size / 8;
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

Status run_bench(const Options& options) {
  std::string precision = options.precision == "auto" ? "" : options.precision;
  OBSCURA_ASSIGN(auto device, backend::create_device(options.device, precision));
  const backend::DeviceDescription description = device->describe();
  if (precision.empty()) precision = description.precisions.front();
  fmt::print("{}; {}\n", description.hardware, description.libraries);
  std::optional<std::size_t> budget;
  if (!options.budget.empty()) {
    OBSCURA_ASSIGN(budget, parse_memory_size(options.budget));
  }
  runtime::Session session(std::move(device), budget);
  OBSCURA_ASSIGN(auto weights, synthetic_sdxl(options.network == "unet" ? "model.diffusion_model."
                                                                        : "first_stage_model."));

  auto begin = std::chrono::steady_clock::now();
  std::string key = fmt::format("{} {} {}", options.network, options.size, options.batch);
  OBSCURA_ASSIGN(runtime::Program * program,
                 session.program(key, weights, [&] { return build(options, *weights); }));
  fmt::print("built and planned in {:.1f} ms: {} nodes, arena {:.3f} GiB, weights {:.3f} GiB\n",
             seconds_since(begin) * 1e3, program->graph().nodes.size(),
             static_cast<double>(program->plan().arena_bytes) / (1 << 30),
             static_cast<double>(program->plan().resident_weight_bytes) / (1 << 30));
  begin = std::chrono::steady_clock::now();
  OBSCURA_TRY(session.load(*program));
  fmt::print("weights prepared in {:.2f} s\n", seconds_since(begin));

  std::vector<Tensor> tensors;
  std::vector<backend::InputBinding> inputs;
  for (ir::ValueId id : program->graph().inputs) {
    const ir::Value& value = program->graph().value(id);
    tensors.push_back(Tensor::filled(value.type.shape, value.name == "timestep" ? 500.0f : 0.1f));
    for (std::int64_t i = 0; value.name != "timestep" && i < tensors.back().elements(); ++i) {
      tensors.back().data()[i] = static_cast<float>((i * 7919) % 2001 - 1000) * 1e-3f;
    }
    inputs.push_back({value.name, std::as_bytes(tensors.back().values())});
  }
  std::vector<backend::OutputBinding> outputs;
  for (const ir::Output& out : program->graph().outputs) {
    tensors.emplace_back(program->graph().type(out.value).shape);
    outputs.push_back({out.name, std::as_writable_bytes(tensors.back().values())});
  }
  double total_operations = 0;
  for (const ir::Node& node : program->graph().nodes)
    total_operations += operations(program->graph(), node);

  OBSCURA_ASSIGN(double rate, matrix_rate(session, options.repeats));
  // The first run brings in kernels; a device that replays runs records the second.
  for (int i = 0; i < (description.name == "cpu" ? 1 : 2); ++i)
    OBSCURA_TRY(session.run(*program, inputs, outputs, CancelToken()));
  std::vector<double> seconds;
  for (int i = 0; i < options.repeats; ++i) {
    begin = std::chrono::steady_clock::now();
    OBSCURA_TRY(session.run(*program, inputs, outputs, CancelToken()));
    seconds.push_back(seconds_since(begin));
  }
  OBSCURA_ASSIGN(double rate_after, matrix_rate(session, options.repeats));
  rate = std::max(rate, rate_after);
  std::sort(seconds.begin(), seconds.end());
  double median = seconds[seconds.size() / 2], fastest = seconds[0];
  double reached = total_operations / fastest;
  fmt::print(
      "{} at {}x{}, batch {}, {}: median {:.2f} ms, fastest {:.2f} ms of {} runs; {:.2f} TFLOP, "
      "{:.0f} GFLOP/s = {:.0f} % of the library's {:.0f} GFLOP/s\n",
      options.network, options.size, options.size, options.batch, precision, median * 1e3,
      fastest * 1e3, options.repeats, total_operations / 1e12, reached / 1e9, 100 * reached / rate,
      rate / 1e9);
  if (!options.profile) return {};
  OBSCURA_ASSIGN(std::vector<double> by_node, program->profile(inputs, outputs));
  print_profile(program->graph(), by_node);
  return {};
}

const RegisterCommand kBench(80, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "bench", "Time SDXL's full-size networks, with random weights, on this machine");
  command->add_option("network", options->network, "unet, vae-decode or vae-encode")
      ->check(CLI::IsMember({"unet", "vae-decode", "vae-encode"}))
      ->capture_default_str();
  command->add_option("--size", options->size, "Width and height of the picture in pixels")
      ->check(CLI::Range(64, 4096))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Pictures at once")
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
  command->add_flag("--profile", options->profile, "Also print the time of each kind of op");
  command->callback([options, &action] { action = [options] { return run_bench(*options); }; });
});

}  // namespace
}  // namespace obscura::app
