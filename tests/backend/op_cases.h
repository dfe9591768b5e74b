// Every op, and every fusion that backends make, as small graphs: what the parity tests of all
// backends run.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/graph_fixture.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/attention.h"
#include "ir/conv2d.h"
#include "ir/embedding.h"
#include "ir/group_norm.h"
#include "ir/layer_norm.h"
#include "ir/linear.h"
#include "ir/shape_ops.h"

namespace obscura::test {

using ir::Builder;
using ir::ValueId;

// A small graph with output "y".
struct Case {
  std::string name;
  std::int64_t reduction;  // terms of the longest sum, which sets the tolerance
  std::function<void(Builder&, RandomWeights&, ir::NamedTensors&)> build;
};

inline void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

inline ValueId input(Builder& builder, ir::NamedTensors& inputs, const std::string& name,
                     Shape shape) {
  inputs.insert_or_assign(
      name, random_tensor(shape, static_cast<unsigned>(shape.elements() + name.size())));
  return builder.input(name, {DType::kF32, shape});
}

inline ValueId weight(Builder& builder, RandomWeights& weights, const std::string& name,
                      Shape shape, float mean = 0) {
  std::int64_t fan_in = shape.rank() > 1 ? shape.elements() / shape[0] : 1;
  return builder.weight(
      weights.declare(name, shape, 1 / std::sqrt(static_cast<float>(fan_in)), mean));
}

inline Case linear_case(std::string name, Shape x, std::int64_t out, bool bias,
                        ir::Activation activation, bool residual) {
  return {std::move(name), x[-1], [=](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
            ValueId value = input(b, inputs, "x", x);
            value = ir::linear(b, value, weight(b, w, "w", {out, x[-1]}),
                               bias ? weight(b, w, "b", {out}) : ir::kNoValue);
            if (activation != ir::Activation::kNone) value = ir::activation(b, value, activation);
            if (residual) value = ir::add(b, input(b, inputs, "r", b.shape(value)), value);
            b.output("y", value);
          }};
}

struct ConvCase {
  Shape x;
  std::int64_t out;
  int kernel = 3, stride = 1;
  ir::Padding padding = ir::Padding::same(1);
  bool norm = false, silu = false, upsample = false, channel_add = false, residual = false,
       bias = true;
};

inline Case conv_case(std::string name, ConvCase c) {
  return {std::move(name), c.x[3] * c.kernel * c.kernel,
          [=](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
            ValueId value = input(b, inputs, "x", c.x);
            if (c.norm) {
              value = ir::group_norm(b, value, weight(b, w, "gamma", {c.x[3]}, 1),
                                     weight(b, w, "beta", {c.x[3]}),
                                     {.groups = 4, .eps = 1e-5f, .silu = c.silu});
            }
            if (c.upsample) value = ir::upsample(b, value);
            value =
                ir::conv2d(b, value, weight(b, w, "w", {c.out, c.x[3], c.kernel, c.kernel}),
                           c.bias ? weight(b, w, "b", {c.out}) : ir::kNoValue, c.stride, c.padding);
            if (c.channel_add) value = ir::add(b, value, input(b, inputs, "e", {c.x[0], c.out}));
            if (c.residual) value = ir::add(b, input(b, inputs, "r", b.shape(value)), value);
            b.output("y", value);
          }};
}

inline Case attention_case(std::string name, Shape x, std::int64_t keys, int heads, int size,
                           bool causal, bool cross) {
  return {std::move(name), std::max<std::int64_t>(keys, x[2]),
          [=](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
            ValueId value = input(b, inputs, "x", x);
            ValueId context = cross ? input(b, inputs, "context", {x[0], keys, 48}) : value;
            std::int64_t width = heads * size, from = b.shape(context)[2];
            ValueId q = ir::linear(b, value, weight(b, w, "q", {width, x[2]}), ir::kNoValue);
            ValueId k = ir::linear(b, context, weight(b, w, "k", {width, from}), ir::kNoValue);
            ValueId v = ir::linear(b, context, weight(b, w, "v", {width, from}), ir::kNoValue);
            b.output("y", ir::attention(b, q, k, v,
                                        {.heads = heads, .head_size = size, .causal = causal}));
          }};
}

// Of 2 samples and 3 heads. Some keys are not seen; query 3 sees none at all where the mask has a
// row for it.
inline Case masked_attention_case(std::string name, Shape mask, bool numbers, bool causal) {
  constexpr std::int64_t kTokens = 70;
  return {std::move(name), kTokens, [=](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
            ValueId q = input(b, inputs, "q", {2, kTokens, 48}),
                    k = input(b, inputs, "k", {2, kTokens, 48}),
                    v = input(b, inputs, "values", {2, kTokens, 48});
            Tensor seen(mask);
            for (std::int64_t i = 0; i < mask.elements(); ++i) {
              const std::int64_t token = i / mask[3] % mask[2], key = i % mask[3];
              const bool visible = token != 3 && (i * 7 / 5 + key) % 3 != 0;
              const float added = 0.1f * static_cast<float>(key % 11);
              seen.data()[i] = numbers ? (visible ? added : -INFINITY) : (visible ? 1.0f : 0.0f);
            }
            inputs.insert_or_assign("mask", seen);
            ValueId m = b.input("mask", {numbers ? DType::kF32 : DType::kI32, mask});
            b.output("y",
                     ir::attention(b, q, k, v, {.heads = 3, .head_size = 16, .causal = causal}, m));
          }};
}

inline std::vector<Case> cases() {
  using A = ir::Activation;
  std::vector<Case> all = {
      linear_case("linear", {2, 5, 7}, 3, false, A::kNone, false),
      linear_case("linear wide", {1, 130, 640}, 1283, true, A::kNone, false),
      linear_case("linear of a vector", {3, 320}, 1280, true, A::kSilu, false),
      linear_case("linear gelu residual", {2, 33, 96}, 96, true, A::kGelu, true),
      linear_case("linear quick gelu", {1, 77, 64}, 256, true, A::kQuickGelu, false),
      linear_case("linear relu", {1, 5, 64}, 24, true, A::kRelu, false),
      linear_case("linear on an image, residual", {1, 6, 5, 32}, 24, false, A::kNone, true),
      conv_case("conv 3x3", {.x = {2, 9, 7, 4}, .out = 8}),
      conv_case("conv 3x3 without bias", {.x = {1, 8, 8, 16}, .out = 17, .bias = false}),
      conv_case("conv 1x1", {.x = {1, 5, 5, 12}, .out = 20, .kernel = 1, .padding = {}}),
      conv_case("conv stride 2", {.x = {1, 10, 12, 8}, .out = 8, .stride = 2}),
      conv_case("conv stride 2, odd size", {.x = {1, 11, 9, 8}, .out = 8, .stride = 2}),
      conv_case("conv stride 2, padded below and right",
                {.x = {1, 10, 8, 8}, .out = 16, .stride = 2, .padding = {0, 1, 0, 1}}),
      conv_case("conv of a norm", {.x = {2, 9, 6, 8}, .out = 12, .norm = true, .silu = true}),
      conv_case("conv of a norm without silu", {.x = {1, 9, 6, 8}, .out = 12, .norm = true}),
      conv_case("conv of a norm in many strips",
                {.x = {1, 70, 66, 128}, .out = 8, .norm = true, .silu = true}),
      conv_case("conv stride 2 of a norm",
                {.x = {1, 9, 8, 8}, .out = 12, .stride = 2, .norm = true, .silu = true}),
      conv_case("conv of an upsampled image", {.x = {2, 7, 5, 8}, .out = 8, .upsample = true}),
      conv_case("conv of an upsampled image in strips",
                {.x = {1, 40, 33, 128}, .out = 4, .upsample = true}),
      conv_case("residual block", {.x = {2, 8, 8, 16},
                                   .out = 16,
                                   .norm = true,
                                   .silu = true,
                                   .channel_add = true,
                                   .residual = true}),
      conv_case("residual", {.x = {1, 8, 8, 16}, .out = 16, .residual = true}),
      attention_case("self attention", {2, 70, 32}, 70, 3, 16, false, false),
      attention_case("causal attention", {2, 77, 64}, 77, 2, 32, true, false),
      attention_case("cross attention", {2, 65, 32}, 77, 2, 64, false, true),
      attention_case("one wide head", {1, 150, 96}, 150, 1, 96, false, false),
      masked_attention_case("attention with a mask", {1, 1, 70, 70}, true, false),
      masked_attention_case("attention with a mask a head", {2, 3, 70, 70}, true, false),
      masked_attention_case("attention with hidden keys", {2, 1, 1, 70}, false, false),
      masked_attention_case("causal attention with hidden keys", {1, 3, 70, 70}, false, true),
  };
  // A mean of 50 standard deviations costs 50 times the rounding: the tolerance of 2,500 terms.
  all.push_back({"group norm", 2500, [](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
                   ValueId x = input(b, inputs, "x", {2, 33, 9, 64});
                   for (float& value : inputs["x"].values())
                     value += 50;  // a mean far from 0 must not cost digits
                   ValueId y = ir::group_norm(b, x, weight(b, w, "g", {64}, 1),
                                              weight(b, w, "b", {64}), {.silu = true});
                   b.output("y", y);
                 }});
  all.push_back({"channel moments", 297, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
                   b.output("y", ir::channel_moments(b, input(b, inputs, "x", {2, 33, 9, 24})));
                 }});
  all.push_back(
      {"layer norm", 1, [](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
         ValueId x = input(b, inputs, "x", {2, 7, 83});
         b.output("y", ir::layer_norm(b, x, weight(b, w, "g", {83}, 1), weight(b, w, "b", {83})));
       }});
  all.push_back({"geglu", 1, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
                   b.output("y", ir::geglu(b, input(b, inputs, "x", {2, 5, 62})));
                 }});
  all.push_back(
      {"concat and sums", 1, [](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
         ValueId x = input(b, inputs, "x", {2, 4, 3, 8}), y = input(b, inputs, "y", {2, 4, 3, 5});
         ValueId z = ir::concat(b, x, y);
         z = ir::add(b, z, input(b, inputs, "e", {2, 13}));
         z = ir::add(b, ir::reshape(b, z, {2, 12, 13}), weight(b, w, "p", {12, 13}));
         b.output("y", ir::activation(b, z, ir::Activation::kSilu));
       }});
  all.push_back({"embeddings", 1, [](Builder& b, RandomWeights& w, ir::NamedTensors& inputs) {
                   inputs.insert_or_assign("ids", Tensor({2, 3}, {0, 4, 8, 2, 2, 1}));
                   inputs.insert_or_assign("eos", Tensor({2}, {2, 0}));
                   ValueId ids = b.input("ids", {DType::kI32, {2, 3}}),
                           eos = b.input("eos", {DType::kI32, {2}});
                   ValueId x = ir::embedding(b, ids, weight(b, w, "table", {9, 16}));
                   x = ir::select_token(b, x, eos);
                   b.output("y", ir::add(b, x, ir::sinusoid(b, input(b, inputs, "t", {2}), 16)));
                 }});
  all.push_back(
      {"rows of an upsampled image", 1, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
         b.output("y",
                  ir::slice_rows(b, ir::upsample(b, input(b, inputs, "x", {2, 5, 3, 4})), 3, 8));
       }});
  all.push_back({"relu", 1, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
                   b.output("y", ir::activation(b, input(b, inputs, "x", {2, 5, 3, 4}),
                                                ir::Activation::kRelu));
                 }});
  all.push_back(
      {"scaled", 1, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
         ValueId factor = input(b, inputs, "factor", {1});
         ValueId x = ir::activation(b, input(b, inputs, "x", {2, 5, 3, 4}), ir::Activation::kRelu);
         b.output("y", ir::scale(b, x, factor));
       }});
  all.push_back({"swapped axes", 1, [](Builder& b, RandomWeights&, ir::NamedTensors& inputs) {
                   b.output("y", ir::swap_axes(b, input(b, inputs, "x", {2, 3, 5, 4})));
                 }});
  return all;
}

// Those with a weight "w".
inline std::vector<Case> cases_with_weights() {
  std::vector<Case> all = cases();
  std::erase_if(all, [](const Case& c) {
    return c.name.rfind("linear", 0) != 0 && c.name.rfind("conv", 0) != 0;
  });
  return all;
}

// A case's name as gtest wants names.
inline std::string identifier(std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

// The arena that streams every weight: found by trying.
inline std::size_t smallest_budget(const backend::Executable& executable) {
  auto plans = [&](std::optional<std::size_t> budget) {
    return plan::make_plan(executable.graph(), executable.needs(), budget, executable.layout());
  };
  std::size_t budget = plans(std::nullopt)->peak_bytes();
  while (budget > 64 && plans(budget - 64).ok()) budget -= 64;
  return budget;
}

}  // namespace obscura::test
