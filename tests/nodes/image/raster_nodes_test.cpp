// Nodes that turn, cut, mix and filter images, latents and masks, against values worked out by
// hand.
#include <gtest/gtest.h>

#include <cmath>

#include "nodes/node_harness.h"

namespace obscura::nodes {
namespace {

using pipeline::Latent;
using Floats = std::vector<float>;

// One image of gray pixels.
Value gray(std::int64_t height, std::int64_t width, const Floats& levels) {
  Tensor image(Shape{1, height, width, 3});
  for (std::int64_t i = 0; i < image.elements(); ++i)
    image.data()[i] = levels[static_cast<std::size_t>(i / 3)];
  return image_value(image);
}

Floats reds(const Value& value) {
  const Tensor& image = value.get<Image>().pixels;
  Floats result;
  for (std::int64_t i = 0; i < image.elements(); i += image.shape()[3])
    result.push_back(image.data()[i]);
  return result;
}

Value latent(Shape shape, Floats values) {
  return latent_value({.samples = Tensor(shape, std::move(values))});
}

Floats samples(const Value& value) {
  return values_of(value.get<Latent>().samples);
}

Value text(const char* value) {
  return Value::string(value);
}

Value whole(std::int64_t value) {
  return Value::integer(value);
}

void expect_near(const Floats& found, const Floats& wanted, double tolerance = 1e-6) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], wanted[i], tolerance) << "number " << i;
}

TEST(Rotate, TurnsClockwise) {
  const Value image = gray(2, 3, {.1f, .2f, .3f, .4f, .5f, .6f});
  auto turned = [&](const char* by) {
    return reds(only_output("ImageRotate", {{"image", image}, {"rotation", text(by)}}));
  };
  EXPECT_EQ(turned("90 degrees"), (Floats{.4f, .1f, .5f, .2f, .6f, .3f}));
  EXPECT_EQ(turned("180 degrees"), (Floats{.6f, .5f, .4f, .3f, .2f, .1f}));
  EXPECT_EQ(turned("270 degrees"), (Floats{.3f, .6f, .2f, .5f, .1f, .4f}));
  EXPECT_EQ(turned("none"), reds(image));
  Value out = only_output("LatentRotate", {{"samples", latent({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6})},
                                           {"rotation", text("90 degrees")}});
  EXPECT_EQ(out.get<Latent>().samples.shape(), (Shape{1, 1, 3, 2}));
  EXPECT_EQ(samples(out), (Floats{4, 1, 5, 2, 6, 3}));
}

TEST(Flip, MirrorsAboutTheNamedAxis) {
  const Value image = gray(2, 2, {.1f, .2f, .3f, .4f});
  auto flipped = [&](const char* method) {
    return reds(only_output("ImageFlip", {{"image", image}, {"flip_method", text(method)}}));
  };
  EXPECT_EQ(flipped("x-axis: vertically"), (Floats{.3f, .4f, .1f, .2f}));
  EXPECT_EQ(flipped("y-axis: horizontally"), (Floats{.2f, .1f, .4f, .3f}));
}

TEST(Crop, StaysInside) {
  const Value image = gray(2, 3, {.1f, .2f, .3f, .4f, .5f, .6f});
  auto cropped = [&](int x, int y, int width, int height) {
    return reds(only_output("ImageCrop", {{"image", image},
                                          {"x", whole(x)},
                                          {"y", whole(y)},
                                          {"width", whole(width)},
                                          {"height", whole(height)}}));
  };
  EXPECT_EQ(cropped(1, 0, 2, 1), (Floats{.2f, .3f}));
  EXPECT_EQ(cropped(2, 1, 9, 9), Floats{.6f});
  EXPECT_EQ(cropped(99, 99, 1, 1), Floats{.6f});
}

TEST(LatentArithmetic, IsThatOfNumbers) {
  const Value a = latent({1, 1, 1, 2}, {3, 4}), b = latent({1, 1, 1, 2}, {1, -2});
  auto of = [&](const char* node, std::vector<std::pair<std::string, Value>> more = {}) {
    more.insert(more.begin(), {{"samples1", a}, {"samples2", b}});
    return samples(only_output(node, more));
  };
  EXPECT_EQ(of("LatentAdd"), (Floats{4, 2}));
  EXPECT_EQ(of("LatentSubtract"), (Floats{2, 6}));
  EXPECT_EQ(of("LatentBlend", {{"blend_factor", Value::number(.25)}}), (Floats{1.5f, -.5f}));
  EXPECT_EQ(of("LatentConcat", {{"dim", text("x")}}), (Floats{3, 4, 1, -2}));
  EXPECT_EQ(of("LatentConcat", {{"dim", text("-y")}}), (Floats{1, -2, 3, 4}));
  EXPECT_EQ(
      samples(only_output("LatentMultiply", {{"samples", a}, {"multiplier", Value::number(-2)}})),
      (Floats{-6, -8}));
  EXPECT_EQ(samples(only_output(
                "LatentCut",
                {{"samples", a}, {"dim", text("x")}, {"index", whole(-1)}, {"amount", whole(5)}})),
            Floats{4});
}

// Vectors (3, 0) and (0, 1): halfway the direction is the diagonal, the length 2.
TEST(LatentInterpolate, MixesLengthApartFromDirection) {
  Value mixed = only_output("LatentInterpolate", {{"samples1", latent({1, 2, 1, 1}, {3, 0})},
                                                  {"samples2", latent({1, 2, 1, 1}, {0, 1})},
                                                  {"ratio", Value::number(.5)}});
  expect_near(samples(mixed), {std::sqrt(2.0f), std::sqrt(2.0f)});
}

TEST(LatentOperation, TonemapHoldsBackWhatIsFarAboveTheMean) {
  Value operation =
      only_output("LatentOperationTonemapReinhard", {{"multiplier", Value::number(1)}});
  Value out = only_output("LatentApplyOperation",
                          {{"samples", latent({1, 1, 1, 2}, {1, -3})}, {"operation", operation}});
  // Lengths 1 and 3: mean 2, deviation sqrt(2), top 5 sqrt(2) + 2.
  const double top = 5 * std::sqrt(2.0) + 2;
  expect_near(samples(out),
              {static_cast<float>(1 / (1 + 1 / top)), static_cast<float>(-3 / (1 + 3 / top))},
              1e-5);
}

TEST(LatentComposite, FadesInAtInnerSides) {
  Value out =
      only_output("LatentComposite", {{"samples_to", latent({1, 1, 1, 6}, {0, 0, 0, 0, 0, 0})},
                                      {"samples_from", latent({1, 1, 1, 4}, {1, 1, 1, 1})},
                                      {"x", whole(16)},
                                      {"y", whole(0)},
                                      {"feather", whole(16)}});
  expect_near(samples(out), {0, 0, .5f, 1, 1, 1});
}

TEST(CompositeMasked, UsesMaskAndPlace) {
  Value out =
      only_output("ImageCompositeMasked", {{"destination", gray(1, 3, {0, 0, 0})},
                                           {"source", gray(1, 2, {1, 1})},
                                           {"x", whole(1)},
                                           {"y", whole(0)},
                                           {"resize_source", Value::boolean(false)},
                                           {"mask", mask_value(Tensor({1, 1, 2}, {1, .25f}))}});
  expect_near(reds(out), {0, 1, .25f});
}

TEST(Batches, AreCutAndJoined) {
  const Value two = image_value(Tensor({2, 1, 1, 3}, {.1f, .1f, .1f, .2f, .2f, .2f}));
  EXPECT_EQ(reds(only_output("RepeatImageBatch", {{"image", two}, {"amount", whole(2)}})),
            (Floats{.1f, .2f, .1f, .2f}));
  EXPECT_EQ(reds(only_output("ImageFromBatch",
                             {{"image", two}, {"batch_index", whole(1)}, {"length", whole(9)}})),
            Floats{.2f});
  EXPECT_EQ(reds(only_output("ImageBatch", {{"image1", two}, {"image2", gray(1, 1, {.5f})}})),
            (Floats{.1f, .2f, .5f}));
  auto sizes = call_node("GetImageSize", {{"image", two}}).value();
  EXPECT_EQ(sizes[0].get<int>(), 1);
  EXPECT_EQ(sizes[2].get<int>(), 2);
}

TEST(RebatchLatents, KeepsPlacesInTheWhole) {
  const Latent five{.samples = Tensor({5, 1, 1, 1}, {0, 1, 2, 3, 4})};
  const graph::NodeType* node = graph::NodeRegistry::builtin().find("RebatchLatents");
  graph::CallContext context;
  graph::NodeCall call(
      graph::NodeInputs({{"latents", {latent_value(five)}}, {"batch_size", {whole(2)}}}), context);
  graph::NodeResult result = node->body()(call).value();
  const graph::ValueList& batches = result.outputs().at(0);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(samples(batches[1]), (Floats{2, 3}));
  EXPECT_EQ(batches[1].get<Latent>().batch_index, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(samples(batches[2]), Floats{4});
}

TEST(ImageScaleTo, KeepsProportions) {
  const Value image = gray(2, 4, Floats(8, .5f));
  Value longest =
      only_output("ImageScaleToMaxDimension",
                  {{"image", image}, {"upscale_method", text("area")}, {"largest_size", whole(8)}});
  EXPECT_EQ(longest.get<Image>().pixels.shape(), (Shape{1, 4, 8, 3}));
  Value padded = only_output("ResizeAndPadImage", {{"image", image},
                                                   {"target_width", whole(4)},
                                                   {"target_height", whole(4)},
                                                   {"padding_color", text("white")},
                                                   {"interpolation", text("nearest-exact")}});
  expect_near(reds(padded), {1, 1, 1, 1, .5f, .5f, .5f, .5f, .5f, .5f, .5f, .5f, 1, 1, 1, 1});
}

TEST(ImageStitch, PutsSpacingBetween) {
  Value out = only_output("ImageStitch", {{"image1", gray(1, 1, {.2f})},
                                          {"image2", gray(1, 1, {.4f})},
                                          {"direction", text("left")},
                                          {"match_image_size", Value::boolean(true)},
                                          {"spacing_width", whole(1)},
                                          {"spacing_color", text("red")}});
  expect_near(reds(out), {.4f, 1, 1, .2f}, 1e-2);  // spacing is made even; Lanczos works in 8 bits
}

struct Blend {
  const char* mode;
  float wanted;  // of 0.2 and 0.6, wholly
};
class ImageBlend : public testing::TestWithParam<Blend> {};

TEST_P(ImageBlend, FollowsItsFormula) {
  Value out = only_output("ImageBlend", {{"image1", gray(1, 1, {.2f})},
                                         {"image2", gray(1, 1, {.6f})},
                                         {"blend_factor", Value::number(1)},
                                         {"blend_mode", text(GetParam().mode)}});
  expect_near(reds(out), {GetParam().wanted});
}

INSTANTIATE_TEST_SUITE_P(Modes, ImageBlend,
                         testing::Values(Blend{"normal", .6f}, Blend{"multiply", .12f},
                                         Blend{"screen", .68f}, Blend{"overlay", .24f},
                                         Blend{"soft_light", .2f + .2f * (.448f - .2f)},
                                         Blend{"difference", 0}));

TEST(ImageBlur, KeepsWhatIsFlatAndSpreadsAPoint) {
  auto blurred = [&](const Value& image) {
    return reds(only_output(
        "ImageBlur", {{"image", image}, {"blur_radius", whole(1)}, {"sigma", Value::number(1)}}));
  };
  expect_near(blurred(gray(3, 3, Floats(9, .5f))), Floats(9, .5f));
  Floats point = blurred(gray(3, 3, {0, 0, 0, 0, 1, 0, 0, 0, 0}));
  const double side = std::exp(-.5), sum = (1 + 2 * side) * (1 + 2 * side);
  EXPECT_NEAR(point[4], 1 / sum, 1e-6);
  EXPECT_NEAR(point[5], 2 * side / sum, 1e-6);  // reflected: the point counts twice at the border
}

TEST(Morphology, IsMadeOfLargestAndSmallest) {
  auto of = [&](const char* operation) {
    return reds(only_output("Morphology", {{"image", gray(1, 4, {0, 1, 0, 0})},
                                           {"operation", text(operation)},
                                           {"kernel_size", whole(3)}}));
  };
  EXPECT_EQ(of("dilate"), (Floats{1, 1, 1, 0}));
  EXPECT_EQ(of("erode"), (Floats{0, 0, 0, 0}));
  EXPECT_EQ(of("close"), (Floats{1, 1, 0, 0}));
  EXPECT_EQ(of("top_hat"), (Floats{0, 1, 0, 0}));
  EXPECT_EQ(of("gradient"), (Floats{1, 1, 1, 0}));
}

// With a soft border, so that the steepest place is a pixel's middle.
TEST(Canny, FindsTheEdgeOfASquare) {
  Floats levels(15 * 15, 0);
  for (int y = 3; y < 12; ++y)
    for (int x = 3; x < 12; ++x)
      levels[static_cast<std::size_t>(y * 15 + x)] =
          x == 3 || x == 11 || y == 3 || y == 11 ? .5f : 1;
  Floats found = reds(only_output("Canny", {{"image", gray(15, 15, levels)},
                                            {"low_threshold", Value::number(.4)},
                                            {"high_threshold", Value::number(.8)}}));
  Floats row(found.begin() + 7 * 15, found.begin() + 8 * 15);
  EXPECT_EQ(row, (Floats{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}));
  for (int y = 0; y < 15; ++y)
    EXPECT_EQ(found[static_cast<std::size_t>(y * 15 + 7)], row[static_cast<std::size_t>(y)]);
}

TEST(Yuv, GoesThereAndBack) {
  const Value image = image_value(Tensor({1, 1, 1, 3}, {.9f, .3f, .2f}));
  auto parts = call_node("ImageRGBToYUV", {{"image", image}}).value();
  EXPECT_NEAR(parts[0].get<Image>().pixels.data()[2], .299 * .9 + .587 * .3 + .114 * .2, 1e-6);
  Value back = only_output("ImageYUVToRGB", {{"Y", parts[0]}, {"U", parts[1]}, {"V", parts[2]}});
  expect_near(values_of(back.get<Image>().pixels), {.9f, .3f, .2f}, 2e-3);
}

TEST(Masks, CombineByTheirOperation) {
  auto of = [&](const char* operation) {
    return values_of(
        only_output("MaskComposite", {{"destination", mask_value(Tensor({1, 1, 3}, {1, .25f, 0}))},
                                      {"source", mask_value(Tensor({1, 1, 2}, {.5f, 1}))},
                                      {"x", whole(1)},
                                      {"y", whole(0)},
                                      {"operation", text(operation)}})
            .get<Mask>()
            .values);
  };
  EXPECT_EQ(of("multiply"), (Floats{1, .125f, 0}));
  EXPECT_EQ(of("add"), (Floats{1, .75f, 1}));
  EXPECT_EQ(of("subtract"), (Floats{1, 0, 0}));
  EXPECT_EQ(of("or"), (Floats{1, 0, 1}));
  EXPECT_EQ(of("xor"), (Floats{1, 0, 1}));
}

TEST(Masks, AreMadeOfColoursAndThresholds) {
  const Value image = image_value(Tensor({1, 1, 2, 3}, {1, .5f, 0, 1, .5f, .1f}));
  EXPECT_EQ(
      values_of(only_output("ImageColorToMask", {{"image", image}, {"color", whole(0xff8000)}})
                    .get<Mask>()
                    .values),
      (Floats{1, 0}));
  EXPECT_EQ(
      values_of(only_output("ThresholdMask", {{"mask", mask_value(Tensor({1, 1, 2}, {.5f, .6f}))},
                                              {"value", Value::number(.5)}})
                    .get<Mask>()
                    .values),
      (Floats{0, 1}));
}

TEST(Alpha, IsTakenOffAndPutOn) {
  Value joined = only_output(
      "JoinImageWithAlpha",
      {{"image", gray(1, 2, {.2f, .4f})}, {"alpha", mask_value(Tensor({1, 1, 2}, {1, .25f}))}});
  EXPECT_EQ(joined.get<Image>().pixels.shape(), (Shape{1, 1, 2, 4}));
  auto parts = call_node("SplitImageWithAlpha", {{"image", joined}}).value();
  EXPECT_EQ(values_of(parts[1].get<Mask>().values), (Floats{1, .25f}));
}

struct Compositing {
  const char* mode;
  float colour, mask;
};
class PorterDuff : public testing::TestWithParam<Compositing> {};

// Source 0.8 at alpha 0.5 over destination 0.4 at alpha 1.
TEST_P(PorterDuff, FollowsItsRule) {
  auto out = call_node("PorterDuffImageComposite",
                       {{"source", gray(1, 1, {.8f})},
                        {"source_alpha", mask_value(Tensor({1, 1, 1}, {.5f}))},
                        {"destination", gray(1, 1, {.4f})},
                        {"destination_alpha", mask_value(Tensor({1, 1, 1}, {0}))},
                        {"mode", text(GetParam().mode)}})
                 .value();
  expect_near(reds(out[0]), {GetParam().colour});
  expect_near(values_of(out[1].get<Mask>().values), {GetParam().mask});
}

INSTANTIATE_TEST_SUITE_P(
    Modes, PorterDuff,
    testing::Values(Compositing{"SRC_OVER", .6f, 0}, Compositing{"DST", .4f, 0},
                    Compositing{"SRC", .8f, .5f}, Compositing{"CLEAR", 0, 1},
                    Compositing{"MULTIPLY", .32f, .5f}, Compositing{"SRC_IN", .8f, .5f},
                    Compositing{"DST_OUT", .4f, .5f}, Compositing{"XOR", .4f, .5f},
                    Compositing{"SCREEN", .64f, 0}));

}  // namespace
}  // namespace obscura::nodes
