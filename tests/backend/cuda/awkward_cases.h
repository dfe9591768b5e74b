// Shapes and sizes that CUDA's kernels treat in different ways, beside the cases of all backends.
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

#include "backend/op_cases.h"
#include "ir/free_u.h"
#include "ir/resize.h"
#include "ir/token_merge.h"

namespace obscura::test {

// Means and variances are found from short sums, whatever their length; a mean of 50 standard
// deviations costs 50 times the rounding.
inline std::int64_t norm_reduction(float mean) {
  return mean != 0 ? 2500 : 100;
}

inline Case norm_case(std::string name, Shape x, int groups, bool silu, float mean = 0) {
  return {std::move(name), norm_reduction(mean),
          [=](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
            ValueId value = input(b, inputs, "x", x);
            for (float& element : inputs["x"].values()) element += mean;
            b.output("y", ir::group_norm(b, value, weight(b, w, "g", {x[3]}, 1),
                                         weight(b, w, "b", {x[3]}),
                                         {.groups = groups, .eps = 1e-5f, .silu = silu}));
          }};
}

inline Case layer_norm_case(Shape x, float mean = 0) {
  return {"layer norm " + x.text() + (mean != 0 ? " far from zero" : ""), norm_reduction(mean),
          [=](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
            ValueId value = input(b, inputs, "x", x);
            for (float& element : inputs["x"].values()) element += mean;
            b.output("y", ir::layer_norm(b, value, weight(b, w, "g", {x[-1]}, 1),
                                         weight(b, w, "b", {x[-1]})));
          }};
}

// Of inputs "x" and, if its shape is given, "z".
inline Case plain_case(std::string name, Shape x, Shape z,
                       std::function<ValueId(Builder&, ValueId, ValueId)> build) {
  return {std::move(name), 4, [=](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
            ValueId first = input(b, inputs, "x", x);
            ValueId second = z.elements() > 0 ? input(b, inputs, "z", z) : ir::kNoValue;
            b.output("y", build(b, first, second));
          }};
}

inline Case merged_attention_case(std::string name, std::int64_t samples, std::int64_t tokens,
                                  int heads, int size, bool causal) {
  return {std::move(name), tokens, [=](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
            int width = heads * size;
            ValueId qkv = input(b, inputs, "qkv", {samples, tokens, 3 * width});
            b.output("y", ir::attention(b, qkv, qkv, qkv,
                                        {.heads = heads,
                                         .head_size = size,
                                         .causal = causal,
                                         .q_offset = 0,
                                         .k_offset = width,
                                         .v_offset = 2 * width}));
          }};
}

// Keys and values of a prompt side by side.
inline Case prompt_attention_case(int heads, int size) {
  return {"attention to a prompt, heads of " + std::to_string(size), 77,
          [=](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
            int width = heads * size;
            ValueId q = input(b, inputs, "q", {2, 130, width});
            ValueId kv = input(b, inputs, "kv", {2, 77, 2 * width});
            b.output("y",
                     ir::attention(
                         b, q, kv, kv,
                         {.heads = heads, .head_size = size, .k_offset = 0, .v_offset = width}));
          }};
}

// A residual block with a skip connection, a transformer block with a prompt, and an upsampling
// convolution: every kind of neighbour that a kernel has in a U-Net.
inline Case network_case() {
  return {"small network", 64 * 9 * 4, [](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
            constexpr std::int64_t kWidth = 64;
            auto norm = [&, count = 0](ValueId x, std::int64_t channels) mutable {
              std::string id = "norm" + std::to_string(count++);
              return ir::group_norm(b, x, weight(b, w, id + ".g", {channels}, 1),
                                    weight(b, w, id + ".b", {channels}),
                                    {.groups = 32, .eps = 1e-5f, .silu = true});
            };
            auto conv = [&, count = 0](ValueId x, std::int64_t in, std::int64_t out) mutable {
              std::string id = "conv" + std::to_string(count++);
              return ir::conv2d(b, x, weight(b, w, id + ".w", {out, in, 3, 3}),
                                weight(b, w, id + ".b", {out}), 1, ir::Padding::same(1));
            };
            auto linear = [&, count = 0](ValueId x, std::int64_t in, std::int64_t out) mutable {
              std::string id = "linear" + std::to_string(count++);
              return ir::linear(b, x, weight(b, w, id + ".w", {out, in}),
                                weight(b, w, id + ".b", {out}));
            };
            auto layer_norm = [&, count = 0](ValueId x) mutable {
              std::string id = "layer_norm" + std::to_string(count++);
              return ir::layer_norm(b, x, weight(b, w, id + ".g", {kWidth}, 1),
                                    weight(b, w, id + ".b", {kWidth}));
            };
            ValueId x = input(b, inputs, "x", {2, 8, 8, 4});
            ValueId time = ir::sinusoid(b, input(b, inputs, "t", {2}), 32);
            time = ir::activation(b, linear(time, 32, kWidth), ir::Activation::kSilu);
            ValueId prompt = input(b, inputs, "prompt", {2, 77, 96});
            ValueId skip = conv(x, 4, kWidth);
            ValueId y = conv(norm(skip, kWidth), kWidth, kWidth);
            y = ir::add(b, y, linear(time, kWidth, kWidth));
            y = ir::add(b, skip, conv(norm(y, kWidth), kWidth, kWidth));
            ValueId tokens = ir::reshape(b, y, {2, 64, kWidth});
            ir::AttentionOp::Options heads{.heads = 2, .head_size = 32};
            ValueId z = layer_norm(tokens);
            z = ir::attention(b, linear(z, kWidth, kWidth), linear(z, kWidth, kWidth),
                              linear(z, kWidth, kWidth), heads);
            tokens = ir::add(b, tokens, linear(z, kWidth, kWidth));
            z = layer_norm(tokens);
            z = ir::attention(b, linear(z, kWidth, kWidth), linear(prompt, 96, kWidth),
                              linear(prompt, 96, kWidth), heads);
            tokens = ir::add(b, tokens, linear(z, kWidth, kWidth));
            z = ir::geglu(b, linear(layer_norm(tokens), kWidth, 8 * kWidth));
            tokens = ir::add(b, tokens, linear(z, 4 * kWidth, kWidth));
            y = ir::concat(b, ir::reshape(b, tokens, {2, 8, 8, kWidth}), skip);
            y = conv(norm(y, 2 * kWidth), 2 * kWidth, kWidth);
            b.output("y", conv(ir::upsample(b, y), kWidth, 4));
          }};
}

inline std::vector<Case> awkward_norms() {
  std::vector<Case> all = {
      norm_case("group norm of one pixel", {1, 1, 1, 32}, 8, false),
      norm_case("group norm, groups across packets", {2, 16, 16, 320}, 32, true),
      norm_case("group norm, groups of four", {1, 48, 40, 128}, 32, true),
      norm_case("group norm, groups of three", {3, 5, 7, 96}, 32, false),
      norm_case("group norm, odd channels", {2, 9, 9, 63}, 21, true),
      norm_case("group norm of 2560 channels", {2, 8, 8, 2560}, 32, true),
      norm_case("group norm of more than 64 slices", {1, 92, 92, 259}, 7, false),
      norm_case("group norm of 8192 channels", {1, 3, 3, 8192}, 32, true),
      norm_case("group norm far from zero", {2, 20, 20, 64}, 32, true, 50),
      layer_norm_case({3, 1}),
      layer_norm_case({2, 77, 320}),
      layer_norm_case({5, 77, 640}),
      layer_norm_case({1, 77, 768}),
      layer_norm_case({2, 33, 1280}),
      layer_norm_case({1, 9, 2048}),
      layer_norm_case({1, 9, 2056}),
      layer_norm_case({2, 3, 5003}),
      layer_norm_case({2, 33, 1280}, 50),
  };
  for (Shape x : {Shape{2, 12, 11, 320}, Shape{1, 7, 5, 96}, Shape{1, 40, 40, 13 * 32}}) {
    all.push_back({"group stats of " + x.text(), norm_reduction(0),
                   [=](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
                     b.output("y", b.add(std::make_shared<ir::GroupStatsOp>(32, 1e-6f),
                                         {input(b, inputs, "x", x), weight(b, w, "g", {x[3]}, 1),
                                          weight(b, w, "b", {x[3]})}));
                   }});
  }
  for (Shape x : {Shape{2, 12, 11, 320}, Shape{1, 7, 5, 13}, Shape{1, 1, 1, 8}}) {
    all.push_back({"channel moments of " + x.text(), norm_reduction(0),
                   [=](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
                     b.output("y", ir::channel_moments(b, input(b, inputs, "x", x)));
                   }});
  }
  return all;
}

inline std::vector<Case> awkward_elementwise() {
  using A = ir::Activation;
  std::vector<Case> all;
  for (A kind : {A::kNone, A::kSilu, A::kGelu, A::kQuickGelu, A::kRelu}) {
    for (Shape x : {Shape{2, 128, 320}, Shape{3, 37}}) {
      all.push_back(
          plain_case("activation " + std::string(ir::name_of(kind)) + " " + x.text(), x, {0},
                     [=](Builder& b, ValueId v, ValueId) { return ir::activation(b, v, kind); }));
    }
  }
  for (Shape x : {Shape{1, 77, 10240}, Shape{3, 3, 2}, Shape{2, 5, 1284}, Shape{4, 48}}) {
    all.push_back(plain_case("geglu " + x.text(), x, {0},
                             [](Builder& b, ValueId v, ValueId) { return ir::geglu(b, v); }));
  }
  for (auto [x, z] :
       {std::pair(Shape{2, 77, 1280}, Shape{2, 77, 1280}), std::pair(Shape{7, 13}, Shape{7, 13}),
        std::pair(Shape{3, 77, 64}, Shape{77, 64}), std::pair(Shape{3, 5, 7}, Shape{7}),
        std::pair(Shape{2, 12, 9, 320}, Shape{2, 320}),
        std::pair(Shape{2, 3, 5, 7}, Shape{2, 7})}) {
    all.push_back(plain_case("add " + x.text() + " and " + z.text(), x, z, ir::add));
  }
  for (auto [x, z] :
       {std::pair(Shape{2, 9, 8, 320}, Shape{2, 9, 8, 640}),
        std::pair(Shape{1, 8, 8, 4}, Shape{1, 8, 8, 5}), std::pair(Shape{2, 1280}, Shape{2, 1536}),
        std::pair(Shape{5, 1}, Shape{5, 2})}) {
    all.push_back(plain_case("concat " + x.text() + " and " + z.text(), x, z, ir::concat));
  }
  for (Shape x : {Shape{1, 3, 5, 3}, Shape{2, 16, 8, 64}, Shape{2, 7, 9, 20}}) {
    all.push_back(plain_case("upsample " + x.text(), x, {0},
                             [](Builder& b, ValueId v, ValueId) { return ir::upsample(b, v); }));
    all.push_back(
        plain_case("slice rows of " + x.text(), x, {0},
                   [](Builder& b, ValueId v, ValueId) { return ir::slice_rows(b, v, 1, 3); }));
  }
  all.push_back(
      {"sinusoids of timesteps", 1, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
         inputs.insert_or_assign("t", Tensor({4}, {0, 1, 500, 999}));
         b.output("y", ir::sinusoid(b, b.input("t", {DType::kF32, {4}}), 320));
       }});
  all.push_back({"rows that a table does not have", 1,
                 [](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
                   inputs.insert_or_assign("ids", Tensor({2, 3}, {-1, 0, 8, 9, 1000, 3}));
                   inputs.insert_or_assign("eos", Tensor({2}, {7, -3}));
                   ValueId ids = b.input("ids", {DType::kI32, {2, 3}});
                   ValueId eos = b.input("eos", {DType::kI32, {2}});
                   ValueId x = ir::embedding(b, ids, weight(b, w, "table", {9, 21}));
                   ValueId token = ir::select_token(b, x, eos);
                   b.output("y", ir::add(b, ir::reshape(b, x, {3, 2, 21}), token));
                 }});
  return all;
}

// FreeU, and images of other sizes: by kernels, and by Lanczos on the host.
inline std::vector<Case> awkward_features() {
  std::vector<Case> all;
  auto add = [&](const std::string& name, Shape x, std::int64_t reduction,
                 std::function<ValueId(Builder&, ValueId)> build) {
    all.push_back(plain_case(name + " " + x.text(), x, {0},
                             [=](Builder& b, ValueId v, ValueId) { return build(b, v); }));
    all.back().reduction = reduction;
  };
  for (Shape x : {Shape{2, 16, 24, 320}, Shape{1, 7, 5, 13}, Shape{1, 1, 9, 8}, Shape{2, 2, 2, 33},
                  Shape{1, 40, 36, 40}}) {
    add("low frequencies of", x, x[1] * x[2],
        [](Builder& b, ValueId v) { return ir::scale_low_frequencies(b, v, 0.2f); });
    add("strengthened", x, 1,
        [](Builder& b, ValueId v) { return ir::strengthen(b, v, 1.3f, false); });
    add("strengthened by the mean", x, 16 * x[3],
        [](Builder& b, ValueId v) { return ir::strengthen(b, v, 1.3f, true); });
  }
  const std::pair<ResizeMethod, const char*> methods[] = {{ResizeMethod::kNearestExact, "nearest"},
                                                          {ResizeMethod::kBilinear, "bilinear"},
                                                          {ResizeMethod::kArea, "area"},
                                                          {ResizeMethod::kBicubic, "bicubic"},
                                                          {ResizeMethod::kBislerp, "bislerp"},
                                                          {ResizeMethod::kLanczos, "lanczos"}};
  for (auto [method, name] : methods) {
    for (auto [x, height, width] :
         {std::tuple(Shape{2, 16, 12, 64}, 8, 6), std::tuple(Shape{2, 8, 6, 64}, 16, 12),
          std::tuple(Shape{1, 17, 11, 5}, 7, 13), std::tuple(Shape{1, 5, 1, 16}, 1, 4)}) {
      add(std::string("resized, ") + name + " to " + std::to_string(height) + "x" +
              std::to_string(width) + " from",
          // Between nearly opposite vectors bislerp's angle costs ten times the rounding.
          x, method == ResizeMethod::kBislerp ? 1600 : 16,
          [=, method = method, height = height, width = width](Builder& b, ValueId v) {
            return ir::resize(b, v, height, width, method);
          });
    }
  }
  return all;
}

// Tokens that are much alike merged, and spread again: a choice, which rounding does not decide
// here.
inline Case merge_case(Shape x, ir::MatchTokensOp::Options options) {
  return {"tokens merged " + x.text() + ", " + std::to_string(options.merged), 4,
          [=](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
            const ValueId value = input(b, inputs, "x", x),
                          places = match_tokens(b, value, options);
            b.output("y", spread_tokens(b, merge_tokens(b, value, places, x[1] - options.merged),
                                        places));
          }};
}

// Two tokens of zeros, which are like nothing, and a cell and a token outside of all cells of ones,
// whose products are exact whatever the order of their sums.
inline Case merge_of_equals_case() {
  Case made = merge_case({1, 35, 24}, {.height = 5, .width = 7, .merged = 20, .draw = 9});
  made.name = "tokens merged that are equal";
  made.build = [build = made.build](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
    build(b, w, inputs);
    auto row = [&](std::ptrdiff_t token) { return inputs["x"].values().begin() + token * 24; };
    for (std::ptrdiff_t token : {3, 4}) std::fill_n(row(token), 24, 0.0f);
    for (std::ptrdiff_t token : {16, 17, 23, 24, 30}) std::fill_n(row(token), 24, 1.0f);
  };
  return made;
}

inline std::vector<Case> awkward_merges() {
  return {merge_case({2, 4, 1}, {.height = 2, .width = 2, .merged = 3, .draw = 3}),
          merge_case({2, 15, 7}, {.height = 3, .width = 5, .merged = 4, .draw = 3}),
          merge_case({1, 192, 40}, {.height = 16, .width = 12, .merged = 57, .draw = 1}),
          merge_case({1, 256, 1288}, {.height = 16, .width = 16, .merged = 128, .draw = 1}),
          // Products of more tokens than are made at a time.
          merge_case({1, 8320, 32}, {.height = 104, .width = 80, .merged = 6000, .draw = 5}),
          merge_of_equals_case()};
}

inline std::vector<Case> awkward_products() {
  using A = ir::Activation;
  return {
      linear_case("linear of SDXL's width", {2, 64, 640}, 640, true, A::kNone, true),
      linear_case("linear of a row", {1, 2816}, 1280, true, A::kSilu, false),
      linear_case("linear of odd sizes", {3, 7, 13}, 5, true, A::kGelu, true),
      conv_case("conv of 4 channels", {.x = {2, 16, 16, 4}, .out = 64}),
      conv_case("conv of 9 channels", {.x = {1, 16, 12, 9}, .out = 32}),
      conv_case("conv to 3 channels", {.x = {1, 12, 12, 64}, .out = 3}),
      conv_case("conv to 4 channels, normalised",
                {.x = {2, 12, 12, 32}, .out = 4, .norm = true, .silu = true}),
      conv_case("conv 1x1 with residual",
                {.x = {2, 9, 7, 64}, .out = 32, .kernel = 1, .padding = {}, .residual = true}),
      conv_case(
          "conv stride 2 with all that is added",
          {.x = {2, 12, 12, 32}, .out = 64, .stride = 2, .channel_add = true, .residual = true}),
      conv_case("conv of an upsampled image, 64 channels",
                {.x = {2, 8, 8, 64}, .out = 64, .upsample = true}),
      conv_case("conv with channel add, no bias",
                {.x = {2, 8, 8, 32}, .out = 64, .channel_add = true, .bias = false}),
      merged_attention_case("merged attention, heads of 40", 2, 96, 3, 40, false),
      merged_attention_case("merged attention, heads of 64", 2, 144, 2, 64, false),
      merged_attention_case("merged attention, heads of 80", 1, 100, 2, 80, false),
      merged_attention_case("merged attention, heads of 160", 2, 64, 2, 160, false),
      merged_attention_case("merged attention, one head of 512", 1, 144, 1, 512, false),
      merged_attention_case("merged attention, odd tokens", 2, 77, 2, 64, false),
      merged_attention_case("merged causal attention", 2, 77, 12, 64, true),
      merged_attention_case("attention to itself alone", 1, 1, 2, 64, false),
      merged_attention_case("merged attention, heads of 13", 2, 30, 3, 13, false),
      prompt_attention_case(5, 64),
      prompt_attention_case(8, 40),
      prompt_attention_case(2, 160),
      network_case(),
  };
}

}  // namespace obscura::test
