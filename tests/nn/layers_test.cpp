#include <gtest/gtest.h>

#include <functional>

#include "nn/attention.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/weight_table.h"

namespace obscura::nn {
namespace {

using Layer = std::function<ir::ValueId(const Scope& root, ir::ValueId x)>;

// A network of one layer from "x" to "y".
Result<ir::Graph> network(const WeightTable& weights, const Shape& x, const Layer& layer) {
  ir::Builder builder("test", weights);
  ir::ValueId input = builder.input("x", {DType::kF32, x});
  builder.output("y", layer(Scope(builder), input));
  return std::move(builder).finish();
}

Tensor evaluate(const WeightTable& weights, const Tensor& x, const Layer& layer) {
  auto graph = network(weights, x.shape(), layer);
  return ir::evaluate(graph.value(), {{"x", x}}, weights.reader()).value().at("y");
}

std::string failure(const WeightTable& weights, const Shape& x, const Layer& layer) {
  auto graph = network(weights, x, layer);
  return graph.ok() ? "none" : graph.error().message();
}

Tensor counting(Shape shape) {
  Tensor tensor(shape);
  for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.data()[i] = static_cast<float>(i);
  return tensor;
}

TEST(Scope, NamesPlacesAsTheNetworkDoes) {
  WeightTable weights;
  weights.add("blocks.1.proj.weight", Shape{3, 2});
  ir::Builder builder("test", weights);
  Scope root(builder), place = root / "blocks" / 1 / "proj";
  EXPECT_EQ(place.path(), "blocks.1.proj");
  EXPECT_TRUE(place.has("weight"));
  EXPECT_FALSE(place.has("bias"));
  EXPECT_TRUE(place.has_any({"bias", "weight"}));
  EXPECT_EQ(place.size("weight", 1), 2);
  EXPECT_EQ(place.optional_weight("bias"), ir::kNoValue);
  EXPECT_FALSE(builder.failed()) << "what is optional may be missing";
  place.size("weight", 2);
  EXPECT_TRUE(builder.failed());
}

TEST(Linear, TakesAOneByOneConvolution) {
  WeightTable stored;
  stored.add("conv.weight", Tensor(Shape{2, 3, 1, 1}, {1, 2, 3, 4, 5, 6}));
  stored.add("conv.bias", Tensor(Shape{2}, {10, 20}));
  Tensor y = evaluate(stored, Tensor(Shape{1, 1, 3}, {1, 1, 2}),
                      [](const Scope& s, ir::ValueId x) { return linear(s / "conv", x); });
  EXPECT_EQ(y.shape(), (Shape{1, 1, 2}));
  EXPECT_EQ(y.data()[0], 19);
  EXPECT_EQ(y.data()[1], 41);
}

TEST(Linear, RefusesALargerConvolution) {
  WeightTable weights;
  weights.add("conv.weight", Shape{2, 3, 3, 3});
  EXPECT_EQ(failure(weights, Shape{1, 1, 3},
                    [](const Scope& s, ir::ValueId x) { return linear(s / "conv", x); }),
            "test: conv: tensor conv.weight should be 2x3, is 2x3x3x3");
}

TEST(Conv, KeepsTheSizeOfTheImage) {
  WeightTable weights;
  weights.add("conv.weight", Tensor::filled(Shape{1, 1, 3, 3}, 1));
  Tensor y = evaluate(weights, Tensor::filled(Shape{1, 2, 3, 1}, 1),
                      [](const Scope& s, ir::ValueId x) { return conv2d(s / "conv", x); });
  // Neighbours of each pixel, itself included.
  EXPECT_EQ(std::vector<float>(y.values().begin(), y.values().end()),
            (std::vector<float>{4, 6, 4, 4, 6, 4}));
}

TEST(Conv, OfOnePixelIsALinear) {
  WeightTable weights;
  weights.add("conv.weight", Shape{4, 3, 1, 1});
  auto graph = network(weights, Shape{1, 2, 2, 3},
                       [](const Scope& s, ir::ValueId x) { return conv2d(s / "conv", x); });
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_EQ(graph->nodes.at(0).op->name(), "linear");
  EXPECT_EQ(graph->nodes.at(0).scope, "conv");
}

// PyTorch's nearest interpolation to a given size reads pixel floor(i * in / out).
TEST(Upsample, ReachesAnySizeAsInterpolationDoes) {
  for (const Shape& size : {Shape{6, 4}, Shape{5, 4}, Shape{6, 3}, Shape{5, 3}, Shape{12, 8},
                            Shape{7, 9}, Shape{3, 2}, Shape{2, 5}}) {
    const std::int64_t height = size[0], width = size[1];
    Tensor x = counting(Shape{2, 3, 2, 2});
    Tensor y = evaluate(WeightTable(), x, [&](const Scope& s, ir::ValueId v) {
      return upsample(s / "up", v, height, width);
    });
    ASSERT_EQ(y.shape(), (Shape{2, height, width, 2}));
    for (std::int64_t i = 0; i < y.elements(); ++i) {
      std::int64_t c = i % 2, column = i / 2 % width, row = i / 2 / width % height,
                   n = i / 2 / width / height;
      std::int64_t from = ((n * 3 + row * 3 / height) * 2 + column * 2 / width) * 2 + c;
      ASSERT_EQ(y.data()[i], x.data()[from]) << height << "x" << width << " at " << i;
    }
  }
}

WeightTable attention_weights() {
  WeightTable w;
  for (const char* name : {"a.q_proj", "a.k_proj", "a.v_proj", "a.out_proj"}) {
    w.add(std::string(name) + ".weight", Shape{8, 8});
    w.add(std::string(name) + ".bias", Shape{8});
  }
  return w;
}

TEST(Attention, MergedProjectionsAreTheThreeInARow) {
  WeightTable w = attention_weights();
  auto join = [&](const std::string& tensor) {
    Tensor parts[] = {w.at("a.q_proj." + tensor), w.at("a.k_proj." + tensor),
                      w.at("a.v_proj." + tensor)};
    return concatenate(parts);
  };
  w.add("m.in_proj_weight", join("weight"));
  w.add("m.in_proj_bias", join("bias"));
  w.add("m.out_proj.weight", w.at("a.out_proj.weight"));
  w.add("m.out_proj.bias", w.at("a.out_proj.bias"));
  w.add("x", Shape{2, 5, 8});
  constexpr Heads kHeads{.count = 0, .size = 4, .causal = true};
  Tensor merged = evaluate(w, w.at("x"), [&](const Scope& s, ir::ValueId x) {
    return merged_self_attention(s / "m", x, kHeads);
  });
  Tensor separate = evaluate(w, w.at("x"), [&](const Scope& s, ir::ValueId x) {
    return attention(s / "a", x, x, kHuggingFaceAttention, kHeads);
  });
  ASSERT_EQ(merged.shape(), (Shape{2, 5, 8}));
  for (std::int64_t i = 0; i < merged.elements(); ++i) {
    ASSERT_EQ(merged.data()[i], separate.data()[i]) << i;
  }
}

TEST(Attention, HeadsAreCountedOrSized) {
  WeightTable w = attention_weights();
  auto text = [&](Heads heads) {
    return network(w, Shape{1, 5, 8},
                   [&](const Scope& s, ir::ValueId x) {
                     return attention(s / "a", x, x, kHuggingFaceAttention, heads);
                   })
        .value()
        .text();
  };
  EXPECT_NE(text({.size = 4}).find("heads=2 head_size=4 causal=0"), std::string::npos);
  EXPECT_NE(text({.count = 4}).find("heads=4 head_size=2 causal=0"), std::string::npos);
  EXPECT_NE(text(Heads::single()).find("heads=1 head_size=8 causal=0"), std::string::npos);
}

TEST(Attention, RefusesAWidthThatDoesNotDivide) {
  WeightTable w = attention_weights();
  auto with = [](Heads heads) {
    return [heads](const Scope& s, ir::ValueId x) {
      return attention(s / "a", x, x, kHuggingFaceAttention, heads);
    };
  };
  EXPECT_EQ(failure(w, Shape{1, 5, 8}, with({.size = 64})),
            "test: a: [attention] a width that divides into heads of 64 is wanted, got 8");
  EXPECT_EQ(failure(w, Shape{1, 5, 8}, with({.count = 3})),
            "test: a: [attention] a width that divides into 3 heads is wanted, got 8");
}

TEST(Norm, HasThirtyTwoGroups) {
  WeightTable w;
  w.add("norm.weight", Tensor::filled(Shape{64}, 1));
  w.add("norm.bias", Tensor(Shape{64}));
  // Two channels a group that differ by 2: each group's are -1 and 1 after the norm.
  Tensor x(Shape{1, 1, 1, 64});
  for (std::int64_t i = 0; i < 64; ++i) {
    std::int64_t group = i / 2, place = i % 2;
    x.data()[i] = static_cast<float>(100 * group + 2 * place);
  }
  Tensor y = evaluate(
      w, x, [](const Scope& s, ir::ValueId v) { return group_norm(s / "norm", v, 1e-6f); });
  for (std::int64_t i = 0; i < 64; ++i) ASSERT_NEAR(y.data()[i], i % 2 * 2 - 1, 1e-3) << i;
}

}  // namespace
}  // namespace obscura::nn
