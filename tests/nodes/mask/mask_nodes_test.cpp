#include <gtest/gtest.h>

#include "image/mask.h"
#include "nodes/node_harness.h"

namespace obscura::nodes {
namespace {

Value dot() {
  Tensor mask(Shape{1, 5, 5});
  mask.data()[12] = 1;
  return mask_value(mask);
}

Tensor grown(int by, bool tapered, const Value& mask) {
  return only_output("GrowMask", {{"mask", mask},
                                  {"expand", Value::integer(by)},
                                  {"tapered_corners", Value::boolean(tapered)}})
      .get<Mask>()
      .values;
}

TEST(GrowMask, GrowsByCrossesOrSquares) {
  EXPECT_EQ(values_of(grown(1, true, dot())),
            (std::vector<float>{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1,
                                1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(values_of(grown(1, false, dot())),
            (std::vector<float>{0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1,
                                1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(GrowMask, ShrinkingUndoesGrowing) {
  Value square = mask_value(grown(1, false, dot()));
  EXPECT_EQ(values_of(grown(-1, false, square)), values_of(dot().get<Mask>().values));
  // What touches the border is not eaten from outside.
  Value full = mask_value(Tensor::filled({1, 3, 3}, 1));
  EXPECT_EQ(values_of(grown(-2, true, full)), std::vector<float>(9, 1));
}

TEST(GrowMask, EndsEarlyAndOnCancel) {
  EXPECT_EQ(values_of(grown(16384, false, dot())), std::vector<float>(25, 1));
  CancelToken cancel;
  cancel.cancel();
  auto stopped = image::grow(dot().get<Mask>().values, 1, true, cancel);
  EXPECT_EQ(stopped.error().kind(), ErrorKind::kCancelled);
}

TEST(FeatherMask, FadesEverySideAlike) {
  Value mask = mask_value(Tensor::filled({1, 1, 6}, 1));
  auto feathered = [&](const char* side) {
    return values_of(
        only_output("FeatherMask", {{"mask", mask}, {side, Value::integer(4)}}).get<Mask>().values);
  };
  EXPECT_EQ(feathered("left"), (std::vector<float>{0.25f, 0.5f, 0.75f, 1, 1, 1}));
  EXPECT_EQ(feathered("right"), (std::vector<float>{1, 1, 1, 0.75f, 0.5f, 0.25f}));
}

// The window of an even width reaches further before than after, as a convolution padded at both
// ends and cut does.
TEST(Dilate, ReachesAsFarAsComfyUi) {
  Tensor line(Shape{1, 1, 7});
  line.data()[3] = 1;
  EXPECT_EQ(values_of(image::dilate(line, 2, 1)), (std::vector<float>{0, 0, 1, 1, 1, 1, 0}));
}

TEST(ImageToMask, TakesAChannelThatIsThere) {
  Value image = image_value(Tensor(Shape{1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}));
  auto channel = [&](const char* name) {
    return call_node("ImageToMask", {{"image", image}, {"channel", Value::string(name)}});
  };
  EXPECT_EQ(values_of(channel("green").value()[0].get<Mask>().values), (std::vector<float>{2, 5}));
  EXPECT_EQ(channel("alpha").error().kind(), ErrorKind::kInvalidInput);
}

TEST(MaskToImage, RepeatsTheValueInEachChannel) {
  Value mask = mask_value(Tensor(Shape{1, 1, 2}, {0.25f, 1}));
  Value out = only_output("MaskToImage", {{"mask", mask}});
  EXPECT_EQ(values_of(out.get<Image>().pixels), (std::vector<float>{0.25f, 0.25f, 0.25f, 1, 1, 1}));
}

TEST(ImagePadForOutpaint, BlendsOnlyTowardsTheNewSides) {
  Value image = image_value(Tensor::filled({1, 8, 8, 3}, 1));
  auto outputs =
      call_node("ImagePadForOutpaint",
                {{"image", image}, {"left", Value::integer(8)}, {"feathering", Value::integer(2)}})
          .value();
  const Tensor& pixels = outputs[0].get<Image>().pixels;
  const Tensor& mask = outputs[1].get<Mask>().values;
  EXPECT_EQ(pixels.shape(), (Shape{1, 8, 16, 3}));
  EXPECT_EQ(pixels.data()[0], 0.5f);
  EXPECT_EQ(pixels.data()[8 * 3], 1);
  std::vector<float> row(mask.data(), mask.data() + 16);
  EXPECT_EQ(row, (std::vector<float>{1, 1, 1, 1, 1, 1, 1, 1, 1, 0.25f, 0, 0, 0, 0, 0, 0}));
}

TEST(EmptyImage, SplitsTheColour) {
  Value out = only_output("EmptyImage", {{"width", Value::integer(1)},
                                         {"height", Value::integer(1)},
                                         {"color", Value::integer(0xff8000)}});
  EXPECT_EQ(values_of(out.get<Image>().pixels), (std::vector<float>{1, 128 / 255.0f, 0}));
}

}  // namespace
}  // namespace obscura::nodes
