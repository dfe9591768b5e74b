// Images from the node to the file and back: pixels, colours, texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/json_text.h"
#include "io/animation.h"
#include "io/colour_profile.h"
#include "io/png.h"
#include "io/test_folder.h"
#include "library/output_folder.h"
#include "nodes/node_harness.h"
#include "nodes/workflow_run.h"

namespace obscura::nodes {
namespace {

using io::TestFolder;
using nlohmann::ordered_json;

WorkflowRunner& saving_runner() {
  static WorkflowRunner runner;
  return runner;
}

// LoadImage, then the saving node with these inputs.
std::string saving_workflow(const std::string& type, ordered_json inputs,
                            const std::string& image = "bottle.png") {
  inputs["images"] = {"1", 0};
  inputs["filename_prefix"] = "saved";
  ordered_json workflow;
  workflow["1"] = {{"class_type", "LoadImage"}, {"inputs", {{"image", image}}}};
  workflow["2"] = {{"class_type", type}, {"inputs", std::move(inputs)}};
  return workflow.dump();
}

double furthest(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 1e9;
  double most = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i)
    most = std::max(most, std::fabs(double{a.data()[i]} - b.data()[i]));
  return most;
}

struct SavedFormat {
  const char* format;
  const char* extension;
  double furthest;  // that a pixel may move
};
void PrintTo(const SavedFormat& format, std::ostream* out) {
  *out << format.format;
}

class SaveImageFormatNode : public testing::TestWithParam<SavedFormat> {};

TEST_P(SaveImageFormatNode, WritesAFileThatComesBackWithItsRecipe) {
  auto saved =
      saving_runner().run(saving_workflow("SaveImageFormat", {{"format", GetParam().format}}));
  ASSERT_TRUE(saved.ok()) << saved.error().message();
  ASSERT_EQ(saved->images.size(), 1u);
  TestFolder root;
  library::OutputFolder folder({.root = root.path(), .temporary = root.path()});
  auto place = folder.store(saved->images[0]);
  ASSERT_TRUE(place.ok()) << place.error().message();
  EXPECT_EQ(place->filename, std::string("saved_00001_.") + GetParam().extension);
  EXPECT_TRUE(place->left_out.empty());

  auto image = io::read_image(root / place->filename);
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_LE(furthest(image->pixels, saved->images[0].pixels), GetParam().furthest);
  const std::string* prompt = io::find_text(image->metadata, "prompt");
  ASSERT_NE(prompt, nullptr);
  auto again = graph::Workflow::parse(*prompt);
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->nodes().size(), 2u);
  const std::string* recipe = io::find_text(image->metadata, "recipe");
  ASSERT_NE(recipe, nullptr);
  EXPECT_EQ(graph::parse_json(*recipe)->at("pixels")["sha256"], saved->images[0].pixel_sha256);
  // What `obscura verify` compares: the same image encoded again.
  auto encoded = saved->images[0].encode(saved->images[0].pixels, {});
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(furthest(io::decode_image(encoded->bytes, "x")->pixels, image->pixels), 0);

  library::OutputFolder clean({.root = root.path(), .temporary = root.path(), .clean = true});
  const std::string bare = clean.store(saved->images[0])->filename;
  const io::ImageMetadata texts = io::read_metadata(root / bare).value();
  for (const io::TextEntry& text : texts)
    EXPECT_TRUE(text.key != "prompt" && text.key != "recipe") << text.key;
}

INSTANTIATE_TEST_SUITE_P(
    All, SaveImageFormatNode,
    testing::Values(SavedFormat{"png, 8 bits", "png", 1e-6},
                    SavedFormat{"png, 16 bits", "png", 1e-6}, SavedFormat{"jpeg", "jpg", 0.2},
                    SavedFormat{"webp", "webp", 0.25}, SavedFormat{"webp, lossless", "webp", 1e-6},
                    SavedFormat{"tiff, 8 bits", "tif", 1e-6},
                    SavedFormat{"tiff, 16 bits", "tif", 1e-6}, SavedFormat{"tiff, float", "tif", 0},
                    SavedFormat{"exr, half", "exr", 1e-3}, SavedFormat{"exr, float", "exr", 1e-5}));

TEST(SaveImageFormat, TellsWhatItIsAskedTo) {
  for (const auto& [choice, workflow] :
       {std::pair("workflow and parameters", true), std::pair("workflow", true),
        std::pair("parameters", false), std::pair("none", false)}) {
    auto saved = saving_runner().run(
        saving_workflow("SaveImageFormat", {{"format", "jpeg"}, {"metadata", choice}}));
    ASSERT_TRUE(saved.ok()) << saved.error().message();
    const library::FinishedImage& image = saved->images.at(0);
    EXPECT_EQ(io::find_text(image.metadata, "prompt") != nullptr, workflow) << choice;
    EXPECT_EQ(image.tells_recipe, workflow) << choice;
  }
}

// An image in Adobe RGB: sRGB for the nodes, and on request in its own colours again.
TEST(SaveImageFormat, KeepsOrConvertsTheColourProfile) {
  TestFolder root;
  const io::ColourProfile adobe = io::builtin_profile("Adobe RGB");
  Tensor green = Tensor::filled(Shape{8, 8, 3}, 0.4f);
  for (std::int64_t i = 1; i < green.elements(); i += 3) green.data()[i] = 0.6f;
  ASSERT_TRUE(io::write_png(root / "wide.png", green, {}, {.profile = adobe}).ok());
  saving_runner().input().set_output(root.path(), root.path());
  auto run = [&](const char* profile) {
    return saving_runner()
        .run(saving_workflow("SaveImageFormat", {{"format", "png, 16 bits"}, {"profile", profile}},
                             "wide.png [output]"))
        .value()
        .images.at(0);
  };
  const library::FinishedImage plain = run("none");
  EXPECT_LT(plain.pixels.data()[0], 0.36f) << "sRGB's numbers differ";
  EXPECT_EQ(io::decode_image(plain.encode(plain.pixels, {})->bytes, "x")->profile.size(), 0u);

  const library::FinishedImage kept = run("of the input picture");
  const std::vector<std::byte> file = kept.encode(kept.pixels, {})->bytes;
  auto stored = io::decode_png(file, "x");  // as the file has it
  EXPECT_EQ(stored->profile, adobe);
  EXPECT_LE(furthest(stored->pixels, green), 1e-3);
  EXPECT_LE(furthest(io::decode_image(file, "x")->pixels, kept.pixels), 1e-3)
      << "and as it is seen";

  const library::FinishedImage p3 = run("Display P3");
  auto named = io::decode_image(p3.encode(p3.pixels, {})->bytes, "x");
  EXPECT_EQ(io::profile_title(named->profile), "Display P3");
  EXPECT_LE(furthest(named->pixels, p3.pixels), 1e-3);

  const library::FinishedImage bottle =
      saving_runner()
          .run(saving_workflow("SaveImageFormat",
                               {{"format", "jpeg"}, {"profile", "of the input picture"}}))
          .value()
          .images.at(0);
  EXPECT_TRUE(io::decode_image(bottle.encode(bottle.pixels, {})->bytes, "x")->profile.empty());
}

TEST(SaveImageFormat, SaysThatOpenExrHoldsNoProfile) {
  auto saved = saving_runner().run(
      saving_workflow("SaveImageFormat", {{"format", "exr, half"}, {"profile", "Display P3"}}));
  ASSERT_FALSE(saved.ok());
  EXPECT_NE(saved.error().message().find("choose \"none\""), std::string::npos)
      << saved.error().message();
}

TEST(SaveAnimated, WritesOneFileForABatch) {
  ordered_json workflow;
  workflow["1"] = {{"class_type", "EmptyImage"},
                   {"inputs", {{"width", 16}, {"height", 8}, {"batch_size", 3}, {"color", 255}}}};
  for (const auto& [type, extension, inputs] :
       {std::tuple("SaveAnimatedWEBP", "webp",
                   ordered_json{
                       {"fps", 10.0}, {"lossless", true}, {"quality", 80}, {"method", "default"}}),
        std::tuple("SaveAnimatedPNG", "png", ordered_json{{"fps", 0.01}, {"compress_level", 4}})}) {
    workflow["2"] = {{"class_type", type}, {"inputs", inputs}};
    workflow["2"]["inputs"]["images"] = {"1", 0};
    workflow["2"]["inputs"]["filename_prefix"] = "moving";
    TestFolder root;
    library::OutputFolder folder({.root = root.path(), .temporary = root.path()});
    ASSERT_TRUE(saving_runner().run_into(workflow.dump(), folder).ok());
    const io::ImageMetadata texts =
        io::read_metadata(root / (std::string("moving_00001_.") + extension)).value();
    ASSERT_NE(io::find_text(texts, "prompt"), nullptr) << type;

    library::OutputFolder clean({.root = root.path(), .temporary = root.path(), .clean = true});
    ASSERT_TRUE(saving_runner().run_into(workflow.dump(), clean).ok());
    EXPECT_TRUE(io::read_metadata(root / (std::string("moving_00002_.") + extension))->empty());
  }
}

TEST(MaskPreview, ShowsGray) {
  ordered_json workflow;
  workflow["1"] = {{"class_type", "SolidMask"},
                   {"inputs", {{"value", 0.25}, {"width", 4}, {"height", 2}}}};
  workflow["2"] = {{"class_type", "MaskPreview"}, {"inputs", {{"mask", {"1", 0}}}}};
  auto saved = saving_runner().run(workflow.dump());
  ASSERT_TRUE(saved.ok()) << saved.error().message();
  EXPECT_TRUE(saved->images.at(0).temporary);
  EXPECT_EQ(saved->images[0].pixels.shape(), (Shape{2, 4, 3}));
  EXPECT_EQ(saved->images[0].pixels.data()[5], 0.25f);
}

// Gray from 0 to 1, two or more colours: how many are used, and what a field is on average.
TEST(ImageQuantize, KeepsFewColoursAndTheMean) {
  for (const char* dither :
       {"none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"}) {
    TestFolder root;
    Tensor ramp(Shape{64, 64, 3});
    for (std::int64_t i = 0; i < ramp.elements(); ++i)
      ramp.data()[i] = static_cast<float>(i / 3 % 64) / 63;
    ASSERT_TRUE(io::write_png(root / "ramp.png", ramp, {}).ok());
    saving_runner().input().set_output(root.path(), root.path());
    ordered_json workflow;
    workflow["1"] = {{"class_type", "LoadImage"}, {"inputs", {{"image", "ramp.png [output]"}}}};
    workflow["2"] = {{"class_type", "ImageQuantize"},
                     {"inputs", {{"image", {"1", 0}}, {"colors", 4}, {"dither", dither}}}};
    workflow["3"] = {{"class_type", "PreviewImage"}, {"inputs", {{"images", {"2", 0}}}}};
    auto saved = saving_runner().run(workflow.dump());
    ASSERT_TRUE(saved.ok()) << saved.error().message();
    const Tensor& pixels = saved->images.at(0).pixels;
    std::set<float> levels(pixels.values().begin(), pixels.values().end());
    EXPECT_EQ(levels.size(), 4u) << dither;
    for (float level : {0.125f, 0.375f, 0.625f, 0.875f})
      EXPECT_NEAR(*std::min_element(levels.begin(), levels.end(),
                                    [&](float a, float b) {
                                      return std::fabs(a - level) < std::fabs(b - level);
                                    }),
                  level, 0.02)
          << dither;
    // Between the second and the third colour, where dots mix them.
    double mean = 0;
    for (std::int64_t y = 0; y < 64; ++y)
      for (std::int64_t x = 24; x < 40; ++x) mean += pixels.data()[(y * 64 + x) * 3] / (64.0 * 16);
    EXPECT_NEAR(mean, 31.5 / 63, 0.04) << dither;
  }
}

TEST(LoadImageOutput, ReadsWhatWasMade) {
  TestFolder root;
  ASSERT_TRUE(
      io::write_png(root / "made_00001_.png", Tensor::filled(Shape{2, 4, 4}, 1.0f), {}).ok());
  saving_runner().input().set_output(root.path(), root.path());
  ordered_json workflow;
  workflow["1"] = {{"class_type", "LoadImageOutput"},
                   {"inputs", {{"image", "made_00001_.png [output]"}}}};
  workflow["2"] = {{"class_type", "PreviewImage"}, {"inputs", {{"images", {"1", 0}}}}};
  auto saved = saving_runner().run(workflow.dump());
  ASSERT_TRUE(saved.ok()) << saved.error().message();
  EXPECT_EQ(saved->images.at(0).pixels.shape(), (Shape{2, 4, 3}));
}

// A batch of the frames, and of what is transparent in each; as a mask the first.
TEST(LoadImage, MakesABatchOfFrames) {
  TestFolder root;
  Tensor frames(Shape{3, 4, 8, 4});
  for (std::int64_t i = 0; i < frames.elements(); ++i) {
    const std::int64_t frame = i / (4 * 8 * 4);
    const float alpha = frame == 1 ? 0 : 1;
    frames.data()[i] = i % 4 == 3 ? alpha : static_cast<float>(frame) / 2;
  }
  auto write = [&](const std::vector<std::byte>& bytes) {
    return write_file_atomically(
        root / "moving.webp",
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  };
  ASSERT_TRUE(write(io::encode_animated_webp(frames, {}).value()).ok());
  library::InputFolder input(root.path());
  graph::Environment environment;
  environment.provide(input);
  const GivenInputs image = {{"image", Value::string("moving.webp")}};
  auto outputs = call_node("LoadImage", image, environment);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  const auto& images = outputs->at(0).get<Image>().pixels;
  const auto& masks = outputs->at(1).get<Mask>().values;
  ASSERT_EQ(images.shape(), (Shape{3, 4, 8, 3}));
  ASSERT_EQ(masks.shape(), (Shape{3, 4, 8}));
  EXPECT_NEAR(images.data()[0], 0, 1e-6);
  EXPECT_NEAR(images.data()[2 * 96], 1, 1e-6);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(masks.data()[i * 32], i == 1 ? 1 : 0);
  GivenInputs alpha = image;
  alpha.emplace_back("channel", Value::string("alpha"));
  auto mask = call_node("LoadImageMask", alpha, environment);
  ASSERT_TRUE(mask.ok()) << mask.error().message();
  EXPECT_EQ(mask->at(0).get<Mask>().values.shape(), (Shape{1, 4, 8}));

  ASSERT_TRUE(write(io::encode_animated_png(frames, {}, 100).value()).ok());
  auto refused = call_node("LoadImage", image, environment);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("found an animated PNG of 3 frames"), std::string::npos)
      << refused.error().message();
}

}  // namespace
}  // namespace obscura::nodes
