// A made-up network that enlarges an image, as an upscaler will: whole, in strips, and in tiles.
#include "pipeline/image_model.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "backend/backend.h"
#include "golden_data.h"
#include "ir/activation.h"
#include "ir/graph.h"
#include "nn/conv.h"
#include "nn/scope.h"
#include "tensor/random.h"

namespace obscura::pipeline {
namespace {

// A convolution, ReLU, one that doubles (nearest), and one back to colours: no result depends on a
// pixel more than three away.
constexpr std::int64_t kWidth = 8, kReach = 3;

std::shared_ptr<runtime::WeightStore> enlarger_weights() {
  auto tensors = std::make_shared<std::vector<Tensor>>();
  auto store = std::make_shared<runtime::WeightStore>("enlarger", tensors);
  TorchGenerator random(3);
  const std::pair<std::string, Shape> shapes[] = {
      {"first.weight", {kWidth, 3, 3, 3}},   {"first.bias", {kWidth}},
      {"up.weight", {kWidth, kWidth, 3, 3}}, {"up.bias", {kWidth}},
      {"last.weight", {3, kWidth, 3, 3}},    {"last.bias", {3}}};
  for (const auto& [name, shape] : shapes) {
    tensors->push_back(random.randn(shape));
    for (float& value : tensors->back().values()) value *= 0.2f;
  }
  for (std::size_t i = 0; i < tensors->size(); ++i)
    store->add(shapes[i].first, {DType::kF32, shapes[i].second,
                                 std::as_bytes(std::as_const((*tensors)[i]).values())});
  return store;
}

Result<ir::Graph> build_enlarger(const ir::WeightIndex& weights, std::int64_t height,
                                 std::int64_t width) {
  ir::Builder builder("enlarger", weights);
  const nn::Scope root(builder);
  ir::ValueId x = builder.input("image", {DType::kF32, Shape{1, height, width, 3}});
  x = ir::activation(builder, nn::conv2d(root / "first", x), ir::Activation::kRelu);
  x = nn::conv2d(root / "up", nn::upsample(root / "up", x, 2 * height, 2 * width));
  builder.output("enlarged", nn::conv2d(root / "last", x));
  return std::move(builder).finish();
}

ImageModel enlarger() {
  auto weights = enlarger_weights();
  auto scaled = [](float factor) {
    return [factor](const Tensor& image) {
      Tensor result = image.clone();
      for (float& value : result.values()) value *= factor;
      return result;
    };
  };
  return {
      .name = "enlarge",
      .weights = weights,
      .build = [weights](std::int64_t h, std::int64_t w) { return build_enlarger(*weights, h, w); },
      .before = scaled(2),
      .after = scaled(0.5f),
      .scale = {.to = 2}};
}

runtime::Session session_of(std::optional<std::size_t> budget = std::nullopt) {
  return runtime::Session(backend::create_device("cpu", "fp32").value(), budget);
}

const Tensor& two_images() {
  static const Tensor kImages = TorchGenerator(4).randn(Shape{2, 37, 50, 3});
  return kImages;
}

Tensor whole() {
  runtime::Session session = session_of();
  return run(session, enlarger(), two_images(), {}).value();
}

TEST(ImageModel, RunsABatchImageByImage) {
  const Tensor both = whole();
  EXPECT_EQ(both.shape(), (Shape{2, 74, 100, 3}));
  runtime::Session session = session_of();
  const Tensor second = run(session, enlarger(), two_images().slice(1), {}).value();
  EXPECT_EQ(golden::max_difference(second, both.slice(1)), 0);
}

TEST(ImageModel, DoesWhatStandsBeforeAndAfter) {
  runtime::Session session = session_of();
  ImageModel bare = enlarger();
  bare.before = bare.after = [](const Tensor& image) { return image.clone(); };
  Tensor doubled = two_images().clone();
  for (float& value : doubled.values()) value *= 2;
  Tensor wanted = run(session, bare, doubled, {}).value();
  for (float& value : wanted.values()) value *= 0.5f;
  EXPECT_EQ(golden::max_difference(whole(), wanted), 0);
}

TEST(ImageModel, InStripsIsTheWhole) {
  runtime::Session roomy = session_of();
  const std::size_t needed = plan(roomy, enlarger(), 37, 50)->peak_bytes();
  runtime::Session tight = session_of(needed * 6 / 10);
  auto network = plan(tight, enlarger(), 37, 50);
  ASSERT_TRUE(network.ok()) << network.error().message();
  std::int64_t rows = 0;
  for (const auto& step : network->steps()) rows = std::max(rows, step.strip_rows);
  EXPECT_GT(rows, 0);
  auto images = run(tight, enlarger(), two_images(), {});
  ASSERT_TRUE(images.ok()) << images.error().message();
  EXPECT_EQ(golden::max_difference(*images, whole()), 0);
}

TEST(ImageModel, InTilesIsTheWhole) {
  for (std::int64_t side : {16, 20, 64}) {
    runtime::Session session = session_of();
    ImageModel tiled = enlarger();
    tiled.tiles = ImageTiles{.side = side, .context = kReach};
    auto images = run(session, tiled, two_images(), {});
    ASSERT_TRUE(images.ok()) << images.error().message();
    EXPECT_EQ(images->shape(), (Shape{2, 74, 100, 3}));
    // The library may sum in another order for another width.
    EXPECT_LT(golden::max_difference(*images, whole()), 1e-6) << side;
  }
}

// What the context is for: without it a seam is far above any rounding.
TEST(ImageModel, InTilesWithoutContextHasSeams) {
  runtime::Session session = session_of();
  ImageModel tiled = enlarger();
  tiled.tiles = ImageTiles{.side = 16, .context = 0};
  EXPECT_GT(golden::max_difference(run(session, tiled, two_images(), {}).value(), whole()), 1e-2);
}

}  // namespace
}  // namespace obscura::pipeline
