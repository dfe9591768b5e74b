#include <gtest/gtest.h>

#include "nodes/node_harness.h"
#include "workflows/seed_list.h"

namespace obscura::nodes {
namespace {

using pipeline::Latent;

Tensor counting(Shape shape) {
  Tensor tensor(shape);
  for (std::int64_t i = 0; i < tensor.elements(); ++i) tensor.data()[i] = static_cast<float>(i);
  return tensor;
}

Value latents(std::int64_t count) {
  return latent_value({.samples = counting({count, 4, 2, 2})});
}

TEST(SeedList, ReadsSeedsAndCountsUp) {
  using Seeds = std::vector<std::uint64_t>;
  EXPECT_EQ(workflows::parse_seeds("7", 3).value(), (Seeds{7, 8, 9}));
  EXPECT_EQ(workflows::parse_seeds(" 1, 5 ,18446744073709551615", 3).value(),
            (Seeds{1, 5, 18446744073709551615u}));
  EXPECT_EQ(workflows::parse_seeds("18446744073709551615", 2).value(),
            (Seeds{18446744073709551615u, 0}));
  for (const char* text : {"", " ", "1, x", "-1", "1.5", "18446744073709551616", "0x10"})
    EXPECT_FALSE(workflows::parse_seeds(text, 2).ok()) << text;
}

TEST(LatentSeeds, WantsOneForEachImage) {
  Value out = only_output("LatentSeeds", {{"samples", latents(3)}, {"seeds", Value::string("5")}});
  EXPECT_EQ(out.get<Latent>().seeds, (std::vector<std::uint64_t>{5, 6, 7}));
  auto wrong = call_node("LatentSeeds", {{"samples", latents(3)}, {"seeds", Value::string("1,2")}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().kind(), ErrorKind::kInvalidInput);
}

TEST(LatentFromBatch, KeepsPlacesMasksAndSeeds) {
  Latent in{.samples = counting({4, 4, 2, 2}), .seeds = {10, 11, 12, 13}};
  in.noise_mask = counting({4, 1, 1});
  Latent out = only_output("LatentFromBatch", {{"samples", latent_value(in)},
                                               {"batch_index", Value::integer(1)},
                                               {"length", Value::integer(2)}})
                   .get<Latent>();
  EXPECT_EQ(out.samples.shape(), (Shape{2, 4, 2, 2}));
  EXPECT_EQ(out.samples.data()[0], 16);
  EXPECT_EQ(out.batch_index, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(out.seeds, (std::vector<std::uint64_t>{11, 12}));
  EXPECT_EQ(values_of(*out.noise_mask), (std::vector<float>{1, 2}));
}

TEST(LatentFromBatch, StaysWithinTheBatch) {
  Latent out = only_output("LatentFromBatch", {{"samples", latents(2)},
                                               {"batch_index", Value::integer(9)},
                                               {"length", Value::integer(5)}})
                   .get<Latent>();
  EXPECT_EQ(out.samples.shape()[0], 1);
  EXPECT_EQ(out.batch_index, std::vector<std::int64_t>{1});
}

TEST(RepeatLatentBatch, MovesPlacesOn) {
  Latent in{.samples = counting({2, 4, 2, 2}), .batch_index = {3, 5}};
  Latent out = only_output("RepeatLatentBatch",
                           {{"samples", latent_value(in)}, {"amount", Value::integer(3)}})
                   .get<Latent>();
  EXPECT_EQ(out.samples.shape()[0], 6);
  EXPECT_EQ(out.batch_index, (std::vector<std::int64_t>{3, 5, 6, 8, 9, 11}));
}

TEST(LatentBatch, ResizesTheSecond) {
  Value small = latent_value({.samples = Tensor::filled({1, 4, 1, 1}, 2)});
  Latent out =
      only_output("LatentBatch", {{"samples1", latents(2)}, {"samples2", small}}).get<Latent>();
  EXPECT_EQ(out.samples.shape(), (Shape{3, 4, 2, 2}));
  EXPECT_EQ(out.samples.data()[32], 2);
  EXPECT_EQ(out.batch_index, (std::vector<std::int64_t>{0, 1, 0}));
  Value other = latent_value({.samples = Tensor({1, 16, 2, 2})});
  EXPECT_FALSE(call_node("LatentBatch", {{"samples1", latents(1)}, {"samples2", other}}).ok());
}

TEST(LatentUpscale, FollowsTheOtherSide) {
  Value in = latent_value({.samples = Tensor({1, 4, 16, 32})});
  auto upscaled = [&](int width, int height) {
    return only_output("LatentUpscale", {{"samples", in},
                                         {"upscale_method", Value::string("bilinear")},
                                         {"width", Value::integer(width)},
                                         {"height", Value::integer(height)},
                                         {"crop", Value::string("disabled")}})
        .get<Latent>()
        .samples.shape();
  };
  EXPECT_EQ(upscaled(512, 0), (Shape{1, 4, 32, 64}));
  EXPECT_EQ(upscaled(0, 512), (Shape{1, 4, 64, 128}));
  EXPECT_EQ(upscaled(0, 0), (Shape{1, 4, 16, 32}));
  EXPECT_EQ(upscaled(8, 8), (Shape{1, 4, 8, 8}));
}

TEST(LatentUpscaleBy, RoundsAndRefusesNothing) {
  Value in = latent_value({.samples = Tensor({1, 4, 10, 30})});
  auto call = [&](double factor) {
    return call_node("LatentUpscaleBy", {{"samples", in},
                                         {"upscale_method", Value::string("bislerp")},
                                         {"scale_by", Value::number(factor)}});
  };
  EXPECT_EQ(call(1.25).value()[0].get<Latent>().samples.shape(), (Shape{1, 4, 12, 38}));
  EXPECT_EQ(call(0.01).error().kind(), ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace obscura::nodes
