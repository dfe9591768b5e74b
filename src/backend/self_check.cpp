#include "backend/self_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "ir/attention.h"
#include "ir/conv2d.h"
#include "ir/evaluate.h"
#include "ir/group_norm.h"
#include "ir/layer_norm.h"
#include "ir/linear.h"
#include "ir/shape_ops.h"
#include "tensor/random.h"

namespace obscura::backend {
namespace {

constexpr std::int64_t kSide = 8, kWidth = 64;
constexpr int kRuns = 3;
// Of the root mean square: beyond what any precision loses in five ops, below what a wrong layout,
// a missing bias or a stale buffer does.
constexpr double kLargestError = 0.1;

// Random weights, made up as the network asks for them.
class MadeUpWeights final : public ir::WeightIndex, public WeightReader {
 public:
  ir::ValueId add(ir::Builder& builder, const std::string& name, Shape shape, float scale) {
    Tensor tensor = random_.randn(shape);
    for (float& x : tensor.values()) x *= scale;
    shapes_[name] = shape;
    tensors_.insert_or_assign(name, std::move(tensor));
    return builder.weight(name);
  }

  const Shape* find(std::string_view name) const override {
    auto found = shapes_.find(name);
    return found == shapes_.end() ? nullptr : &found->second;
  }
  Status read(const ir::WeightSpec& spec, float* target) override {
    for (const std::string& part : spec.parts) {
      const Tensor& tensor = tensors_.at(part);
      target = std::copy_n(tensor.data(), tensor.elements(), target);
    }
    return {};
  }
  std::string identity(const ir::WeightSpec& spec) const override {
    return "self-check " + spec.text();
  }

 private:
  TorchGenerator random_{1};
  std::map<std::string, Shape, std::less<>> shapes_;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

// A residual block and a transformer's attention, as small as they can be. Outputs are in the order
// in which they are computed.
Result<ir::Graph> make_network(MadeUpWeights& weights) {
  ir::Builder b("self-check", weights);
  auto weight = [&](const std::string& name, Shape shape) {
    // What keeps the results near 1 in size.
    float scale =
        shape.rank() == 1
            ? 1.0f
            : 1.0f / std::sqrt(static_cast<float>(shape.elements()) / static_cast<float>(shape[0]));
    return weights.add(b, name, shape, scale);
  };
  auto vector = [&](const std::string& name) { return weight(name, {kWidth}); };
  auto square = [&](const std::string& name) { return weight(name, {kWidth, kWidth}); };

  ir::ValueId x = b.input("x", {DType::kF32, {1, kSide, kSide, kWidth}});
  ir::ValueId normal =
      ir::group_norm(b, x, vector("group.gamma"), vector("group.beta"), {.silu = true});
  b.output("group norm", normal);
  ir::ValueId image = ir::conv2d(b, normal, weight("filter", {kWidth, kWidth, 3, 3}),
                                 vector("filter.bias"), 1, ir::Padding::same(1));
  b.output("convolution", image);
  ir::ValueId tokens = ir::reshape(b, image, {1, kSide * kSide, kWidth});
  ir::ValueId rows = ir::layer_norm(b, tokens, vector("layer.gamma"), vector("layer.beta"));
  b.output("layer norm", rows);
  ir::ValueId q = ir::linear(b, rows, square("q"), ir::kNoValue),
              k = ir::linear(b, rows, square("k"), ir::kNoValue),
              v = ir::linear(b, rows, square("v"), ir::kNoValue);
  ir::ValueId seen = ir::attention(b, q, k, v, {.heads = 1, .head_size = kWidth});
  b.output("attention", seen);
  b.output("linear", ir::linear(b, seen, square("out"), vector("out.bias")));
  return std::move(b).finish();
}

double relative_error(const Tensor& wanted, const Tensor& found) {
  double squares = 0, errors = 0;
  for (std::int64_t i = 0; i < wanted.elements(); ++i) {
    double w = wanted.data()[i], d = found.data()[i] - w;
    squares += w * w;
    errors += d * d;
  }
  return std::sqrt(errors / squares);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.elements()) * sizeof(float)) ==
         0;
}

Result<std::vector<Tensor>> run(Executable& executable, const ir::NamedTensors& inputs) {
  std::vector<InputBinding> given;
  for (const auto& [name, tensor] : inputs) given.push_back({name, std::as_bytes(tensor.values())});
  std::vector<Tensor> results;
  std::vector<OutputBinding> wanted;
  for (const ir::Output& output : executable.graph().outputs) {
    results.emplace_back(executable.graph().type(output.value).shape);
    wanted.push_back({output.name, std::as_writable_bytes(results.back().values())});
  }
  OBSCURA_TRY(executable.run(given, wanted, CancelToken()));
  return results;
}

}  // namespace

Status self_check(Device& device) {
  MadeUpWeights weights;
  OBSCURA_ASSIGN(ir::Graph graph, make_network(weights));
  ir::NamedTensors inputs;
  inputs.emplace("x", TorchGenerator(2).randn({1, kSide, kSide, kWidth}));
  OBSCURA_ASSIGN(ir::NamedTensors expected,
                 ir::evaluate(graph, inputs, [&](const ir::WeightSpec& spec) -> Result<Tensor> {
                   Tensor tensor(spec.shape);
                   OBSCURA_TRY(weights.read(spec, tensor.data()));
                   return tensor;
                 }));

  OBSCURA_ASSIGN(auto executable, device.lower(graph));
  OBSCURA_ASSIGN(plan::Plan plan, plan::make_plan(executable->graph(), executable->needs(),
                                                  std::nullopt, executable->layout()));
  OBSCURA_TRY(executable->load(std::move(plan), weights));
  std::vector<Tensor> first;
  for (int i = 0; i < kRuns; ++i) {
    OBSCURA_ASSIGN(std::vector<Tensor> results, run(*executable, inputs));
    if (i == 0) first = results;
    for (std::size_t n = 0; n < results.size(); ++n) {
      const std::string& stage = graph.outputs[n].name;
      double error = relative_error(expected.at(stage), results[n]);
      if (!(error <= kLargestError)) {
        return Error(ErrorKind::kInternal,
                     fmt::format("[self-check] {} of run {} is wrong by {:.3g} of its size on {}",
                                 stage, i + 1, error, device.describe().name));
      }
      if (!same_bits(first[n], results[n])) {
        return Error(ErrorKind::kInternal,
                     fmt::format("[self-check] {} gives other bits in run {} than in the first "
                                 "on {}",
                                 stage, i + 1, device.describe().name));
      }
    }
  }
  return {};
}

}  // namespace obscura::backend
