// Convolution, channels last: by cuDNN, 1x1 by cuBLASLt. What an op asks for before the product
// (normalisation, SiLU, upsampling) is one pass into the workspace; what it asks for after it is
// part of cuDNN's kernel where an engine has it, else one pass over the result.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <variant>

#include "backend/cuda/dnn_graph.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/status.h"
#include "backend/cuda/timing.h"
#include "ir/conv2d.h"

namespace obscura::backend::cuda {
namespace {

constexpr std::size_t kWorkspaceLimit = 256u << 20;
constexpr std::size_t kCandidates = 4;

// Tensor cores take 16-bit channels by eights.
std::int64_t pad_channels(std::int64_t channels, DType dtype) {
  return dtype == DType::kF32 ? channels : (channels + 7) / 8 * 8;
}

struct Geometry {
  DType dtype = DType::kF16;
  std::int64_t samples = 0, in_height = 0, in_width = 0, in = 0;  // of op's x
  std::int64_t height = 0, width = 0;                             // of the convolved image
  std::int64_t out_height = 0, out_width = 0, out = 0;
  std::int64_t kernel_height = 0, kernel_width = 0;
  std::int64_t in_padded = 0, out_padded = 0;
  // Zeros that we put around the image ourselves: where they are not the same on opposite sides,
  // few of cuDNN's engines do.
  ir::Padding border;

  bool has_border() const { return border != ir::Padding(); }
  std::int64_t bordered_height() const { return height + border.top + border.bottom; }
  std::int64_t bordered_width() const { return width + border.left + border.right; }
  std::size_t bordered_bytes() const {
    return static_cast<std::size_t>(samples * bordered_height() * bordered_width() * in_padded) *
           size_of(dtype);
  }
  bool prepares(const ir::Conv2dOp::Options& o) const {
    return o.normalised || o.upsample || in_padded != in;
  }
  std::size_t prepared_bytes() const {
    return static_cast<std::size_t>(samples * height * width * in_padded) * size_of(dtype);
  }
  std::size_t padded_result_bytes() const {
    return static_cast<std::size_t>(samples * out_height * out_width * out_padded) * size_of(dtype);
  }
  std::size_t bias_bytes() const {
    return static_cast<std::size_t>(samples * out_padded) * size_of(dtype);
  }
};

// Numbers of the tensors in a plan.
enum : std::int64_t { kX = 1, kFilter, kBias, kResidual, kY };

std::vector<std::int64_t> image_strides(std::int64_t channels, std::int64_t height,
                                        std::int64_t width) {
  return {height * width * channels, 1, width * channels, channels};
}

struct Epilogue {
  bool bias = false;        // one per channel
  bool per_sample = false;  // … and sample
  bool residual = false;
};

Result<std::vector<DnnPlan>> convolution_plans(Context& context, const Geometry& g,
                                               const ir::Conv2dOp::Options& o,
                                               const Epilogue& epilogue, std::size_t limit) {
  DnnGraph graph(context);
  std::vector<std::int64_t> y_dims = {g.samples, g.out_padded, g.out_height, g.out_width};
  auto y_strides = image_strides(g.out_padded, g.out_height, g.out_width);
  auto x =
      graph.tensor(kX, {g.samples, g.in_padded, g.bordered_height(), g.bordered_width()},
                   image_strides(g.in_padded, g.bordered_height(), g.bordered_width()), g.dtype);
  auto filter = graph.tensor(kFilter, {g.out_padded, g.in_padded, g.kernel_height, g.kernel_width},
                             image_strides(g.in_padded, g.kernel_height, g.kernel_width), g.dtype);
  auto y = graph.tensor(kY, y_dims, y_strides, g.dtype);
  bool fused = epilogue.bias || epilogue.residual;
  auto sum = fused ? graph.intermediate(y_dims, y_strides) : y;
  const ir::Padding padding = g.has_border() ? ir::Padding() : o.padding;
  graph.convolution(x, filter, sum, o.stride, {padding.top, padding.left},
                    {padding.bottom, padding.right});
  if (epilogue.bias) {
    std::int64_t samples = epilogue.per_sample ? g.samples : 1;
    auto bias = graph.tensor(kBias, {samples, g.out_padded, 1, 1},
                             {g.out_padded, 1, g.out_padded, g.out_padded}, g.dtype);
    auto next = epilogue.residual ? graph.intermediate(y_dims, y_strides) : y;
    graph.pointwise(CUDNN_POINTWISE_ADD, sum, bias, next);
    sum = next;
  }
  if (epilogue.residual) {
    auto residual = graph.tensor(kResidual, y_dims, y_strides, g.dtype);
    graph.pointwise(CUDNN_POINTWISE_ADD, sum, residual, y);
  }
  return std::move(graph).plans(g.dtype == DType::kF32, limit, kWorkspaceLimit);
}

class Conv2d final : public Kernel {
 public:
  Conv2d(const ir::Conv2dOp::Options& options, const Geometry& geometry)
      : options_(options), op_(options), g_(geometry), element_(element_of(geometry.dtype)) {}

  Status choose_plan(Context& context);

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes =
        prepared_bytes() + bordered_bytes() + padded_bytes() + bias_bytes() + library_bytes();
    std::size_t filter = static_cast<std::size_t>(g_.out_padded * g_.kernel_height *
                                                  g_.kernel_width * g_.in_padded) *
                         size_of(g_.dtype);
    needs.weights.push_back({.operand = 1, .bytes = filter, .staging_bytes = 0, .form = form()});
    return needs;
  }

  Status prepare(std::size_t, const void* plain, void* prepared,
                 cudaStream_t stream) const override {
    std::size_t rows = static_cast<std::size_t>(g_.kernel_height * g_.kernel_width * g_.in_padded) *
                       size_of(g_.dtype);
    auto padding = static_cast<std::size_t>(g_.out_padded - g_.out) * rows;
    auto* end = static_cast<std::byte*>(prepared) + static_cast<std::size_t>(g_.out) * rows;
    if (padding > 0)
      OBSCURA_TRY(check(cudaMemsetAsync(end, 0, padding, stream), "clearing a filter's padding"));
    return check(filter_to_channels_last(element_, plain, prepared, g_.out, g_.in,
                                         g_.kernel_height * g_.kernel_width, g_.in_padded, stream),
                 "ordering a filter");
  }

  Status run(const KernelCall& call) const override {
    auto* workspace = static_cast<std::byte*>(call.workspace);
    const void* x = call.input(0);
    if (g_.prepares(options_)) {
      OBSCURA_TRY(
          check(prepare_image(element_, x,
                              static_cast<const float*>(call.optional(op_.scale_shift_operand())),
                              options_.normalised_silu, options_.upsample, workspace, g_.samples,
                              g_.in_height, g_.in_width, g_.in, g_.in_padded, call.stream),
                "preparing an image"));
      x = workspace;
      workspace += prepared_bytes();
    }
    if (g_.has_border()) {
      OBSCURA_TRY(add_border(x, workspace, call.stream));
      x = workspace;
      workspace += bordered_bytes();
    }
    void* y = call.output();
    if (g_.out_padded != g_.out) {
      y = workspace;
      workspace += padded_bytes();
    }
    const void* bias = call.optional(op_.bias_operand());
    const void* channel_add = call.optional(op_.channel_add_operand());
    const void* residual = call.optional(op_.residual_operand());
    const void* combined = bias;
    if (fused_.bias && channel_add != nullptr) {
      OBSCURA_TRY(check(
          combine_bias(element_, bias, channel_add, workspace, g_.samples, g_.out, call.stream),
          "adding a bias"));
      combined = workspace;
      workspace += bias_bytes();
    }
    OBSCURA_TRY(convolve(call, x, combined, residual, y, workspace));
    bool left_bias = (options_.bias || options_.channel_add) && !fused_.bias;
    bool left_residual = options_.residual && !fused_.residual;
    if (!left_bias && !left_residual && y == call.output()) return {};
    return check(
        finish_image(element_, y, g_.out_padded, left_bias ? bias : nullptr,
                     left_bias ? channel_add : nullptr, left_residual ? residual : nullptr,
                     call.output(), g_.samples, g_.out_height * g_.out_width, g_.out, call.stream),
        "finishing an image");
  }

  std::string choice() const override { return choice_; }

 private:
  std::string form() const {
    return "channels last " + std::to_string(g_.out_padded) + " " + std::to_string(g_.in_padded);
  }
  std::size_t prepared_bytes() const {
    return g_.prepares(options_) ? plan::aligned(g_.prepared_bytes()) : 0;
  }
  std::size_t bordered_bytes() const {
    return g_.has_border() ? plan::aligned(g_.bordered_bytes()) : 0;
  }
  std::size_t padded_bytes() const {
    return g_.out_padded != g_.out ? plan::aligned(g_.padded_result_bytes()) : 0;
  }
  std::size_t bias_bytes() const {
    return options_.channel_add ? plan::aligned(g_.bias_bytes()) : 0;
  }
  std::size_t library_bytes() const {
    if (const auto* matmul = std::get_if<Matmul>(&library_)) return matmul->workspace_bytes();
    return std::get<DnnPlan>(library_).workspace_bytes();
  }

  Status add_border(const void* x, std::byte* target, cudaStream_t stream) const {
    OBSCURA_TRY(
        check(cudaMemsetAsync(target, 0, g_.bordered_bytes(), stream), "clearing a border"));
    std::size_t pixel = static_cast<std::size_t>(g_.in_padded) * size_of(g_.dtype);
    std::size_t row = pixel * static_cast<std::size_t>(g_.width);
    std::size_t bordered_row = pixel * static_cast<std::size_t>(g_.bordered_width());
    const auto* source = static_cast<const std::byte*>(x);
    target += static_cast<std::size_t>(g_.border.top) * bordered_row +
              static_cast<std::size_t>(g_.border.left) * pixel;
    for (std::int64_t n = 0; n < g_.samples; ++n) {
      OBSCURA_TRY(check(
          cudaMemcpy2DAsync(target, bordered_row, source, row, row,
                            static_cast<std::size_t>(g_.height), cudaMemcpyDeviceToDevice, stream),
          "copying an image into its border"));
      source += row * static_cast<std::size_t>(g_.height);
      target += bordered_row * static_cast<std::size_t>(g_.bordered_height());
    }
    return {};
  }

  Status choose_matmul(Context& context) {
    MatmulShape shape;
    shape.rows = g_.samples * g_.height * g_.width;
    shape.depth = g_.in_padded;
    shape.columns = g_.out_padded;
    shape.element = shape.result = g_.dtype;
    bool whole = g_.out_padded == g_.out;
    shape.bias = fused_.bias = whole && options_.bias && !options_.channel_add;
    shape.add_c = fused_.residual = whole && options_.residual;
    OBSCURA_ASSIGN(Matmul matmul, Matmul::create(context, shape));
    choice_ = matmul.choice();
    library_ = std::move(matmul);
    return {};
  }

  Status convolve(const KernelCall& call, const void* x, const void* bias, const void* residual,
                  void* y, void* workspace) const {
    if (const auto* matmul = std::get_if<Matmul>(&library_)) {
      return matmul->run({.a = x,
                          .b = call.input(1),
                          .bias = fused_.bias ? bias : nullptr,
                          .c = fused_.residual ? residual : nullptr,
                          .d = y,
                          .workspace = workspace},
                         call.stream);
    }
    std::array<DnnPlan::Binding, 5> bindings{{{kX, x}, {kFilter, call.input(1)}, {kY, y}}};
    std::size_t count = 3;
    if (fused_.bias) bindings[count++] = {kBias, bias};
    if (fused_.residual) bindings[count++] = {kResidual, residual};
    return std::get<DnnPlan>(library_).run(std::span(bindings).first(count), workspace);
  }

  float time(Context& context, const DnnPlan& plan, const Epilogue& epilogue);

  ir::Conv2dOp::Options options_;
  ir::Conv2dOp op_;
  Geometry g_;
  Element element_;
  Epilogue fused_;
  std::variant<DnnPlan, Matmul> library_;
  std::string choice_;
};

Status Conv2d::choose_plan(Context& context) {
  const ir::Padding none;
  if (g_.kernel_height == 1 && g_.kernel_width == 1 && options_.stride == 1 &&
      options_.padding == none)
    return choose_matmul(context);

  // Plans that add bias and residual themselves, then plans that leave them to a pass of ours.
  Epilogue whole{options_.bias || options_.channel_add, options_.channel_add, options_.residual};
  // A residual is dense, a padded result is not.
  if (g_.out_padded != g_.out) whole = {};
  const bool fuses = whole.bias || whole.residual;
  const std::array<Epilogue, 2> epilogues = {whole, Epilogue{}};
  std::array<std::optional<DnnPlan>, 2 * kCandidates> plans;
  std::string key = op_.text();
  key += fmt::format(" {} {}x{}x{}x{} -> {}", name_of(g_.dtype), g_.samples, g_.height, g_.width,
                     g_.in, g_.out);
  // Compiling a plan can take as long as many runs of it: none that is not asked for.
  const std::size_t wanted = context.worth_preparing(key, plans.size());
  std::string reason;
  bool any = false;
  for (std::size_t e = fuses ? 0 : 1; e < epilogues.size(); ++e) {
    std::size_t first = e * kCandidates;
    if (any && wanted <= first) break;
    std::size_t limit =
        std::clamp<std::size_t>(wanted > first ? wanted - first : 1, 1, kCandidates);
    auto offered = convolution_plans(context, g_, options_, epilogues[e], limit);
    if (!offered.ok()) {
      reason = offered.error().message();
      continue;
    }
    any = true;
    for (DnnPlan& plan : *offered) plans[first++] = std::move(plan);
  }
  if (!any) return Error(ErrorKind::kUnsupported, key + ": " + reason);
  std::size_t index = context.choose(key, plans.size(), [&](std::size_t i) {
    return plans[i] ? time(context, *plans[i], epilogues[i / kCandidates])
                    : std::numeric_limits<float>::infinity();
  });
  while (!plans[index]) index = (index + 1) % plans.size();
  library_ = *plans[index];
  fused_ = epilogues[index / kCandidates];
  choice_ = fmt::format("{}: {} {}{}{}", key, index, plans[index]->engine(),
                        fused_.bias ? ", bias" : "", fused_.residual ? ", residual" : "");
  return {};
}

float Conv2d::time(Context& context, const DnnPlan& plan, const Epilogue& epilogue) {
  constexpr float kNever = std::numeric_limits<float>::infinity();
  library_ = plan;
  fused_ = epilogue;
  plan::NodeNeeds all = needs();
  std::size_t element = size_of(g_.dtype);
  std::size_t image = static_cast<std::size_t>(g_.samples * g_.in_height * g_.in_width * g_.in);
  std::size_t result = static_cast<std::size_t>(g_.samples * g_.out_height * g_.out_width * g_.out);
  auto x = random_memory(context, image * element, g_.dtype);
  auto filter = random_memory(context, all.weights[0].bytes, g_.dtype);
  auto per_channel = random_memory(
      context, static_cast<std::size_t>(g_.samples * g_.out_padded) * element, g_.dtype);
  auto statistics = random_memory(
      context, static_cast<std::size_t>(g_.samples * 2 * g_.in) * sizeof(float), DType::kF32);
  auto residual = random_memory(context, result * element, g_.dtype);
  auto y = DeviceMemory::allocate(result * element);
  auto workspace = DeviceMemory::allocate(all.workspace_bytes);
  for (bool ok : {x.ok(), filter.ok(), per_channel.ok(), statistics.ok(), residual.ok(), y.ok(),
                  workspace.ok()})
    if (!ok) return kNever;
  std::vector<const void*> operands = {x->data(), filter->data()};
  if (options_.bias) operands.push_back(per_channel->data());
  if (options_.normalised) operands.push_back(statistics->data());
  if (options_.channel_add) operands.push_back(per_channel->data());
  if (options_.residual) operands.push_back(residual->data());
  void* const result_place = y->data();
  return time_on_device(context, [&] {
    return run({operands, std::span(&result_place, 1), workspace->data(), context.compute});
  });
}

Result<std::unique_ptr<Kernel>> make_conv2d(const KernelRequest& request) {
  const auto& options = dynamic_cast<const ir::Conv2dOp&>(*request.op).options;
  const Shape &x = request.type(0).shape, &w = request.type(1).shape, &y = request.output.shape;
  Geometry g;
  g.dtype = request.type(0).dtype;
  g.samples = x[0];
  g.in_height = x[1];
  g.in_width = x[2];
  g.in = x[3];
  g.height = x[1] * (options.upsample ? 2 : 1);
  g.width = x[2] * (options.upsample ? 2 : 1);
  g.out_height = y[1];
  g.out_width = y[2];
  g.out = w[0];
  g.kernel_height = w[2];
  g.kernel_width = w[3];
  g.in_padded = pad_channels(g.in, g.dtype);
  g.out_padded = pad_channels(g.out, g.dtype);
  const ir::Padding& padding = options.padding;
  if (padding.top != padding.bottom || padding.left != padding.right) g.border = padding;
  auto kernel = std::make_unique<Conv2d>(options, g);
  OBSCURA_TRY(kernel->choose_plan(request.context));
  return std::unique_ptr<Kernel>(std::move(kernel));
}

const RegisterKernel kConv2d("conv2d", make_conv2d);

}  // namespace
}  // namespace obscura::backend::cuda
