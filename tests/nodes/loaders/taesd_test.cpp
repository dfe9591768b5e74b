// TAESD among the model files: as a choice of VAELoader, and for previews.
#include "library/taesd.h"

#include <gtest/gtest.h>

#include "checkpoint/pocket.h"
#include "io/test_folder.h"
#include "models/golden.h"
#include "models/tiny_vae_files.h"
#include "nodes/node_harness.h"
#include "runtime/session.h"

namespace obscura::nodes {
namespace {

class TaesdFiles : public testing::Test {
 protected:
  TaesdFiles() {
    folders_.add_root(folder_.path());
    environment_.provide(folders_);
    environment_.provide(session_);
  }
  void add(const std::string& name, const models::TinyShapes& shapes) {
    std::filesystem::create_directories(folder_.path() / "vae_approx");
    models::write_weights(folder_.path() / "vae_approx" / (name + ".safetensors"),
                          models::filled(shapes));
  }

  // The previews of a KSampler of one step; no method: the application says nothing.
  std::vector<std::vector<std::byte>> previews(std::optional<library::PreviewMethod> method) {
    method_ = method.value_or(library::PreviewMethod::kAuto);
    if (method) environment_.provide(method_);
    pipeline::Condition condition;
    condition.states = models::reference("in.context");
    condition.pooled = models::reference("in.pooled");
    auto file = pipeline::ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value();
    std::vector<graph::NodeInputs::Entry> entries = {
        {"model", {Value::handle("MODEL", pipeline::load_model(file).value())}},
        {"seed", {Value::integer(1)}},
        {"steps", {Value::integer(1)}},
        {"cfg", {Value::number(1)}},
        {"sampler_name", {Value::string("euler")}},
        {"scheduler", {Value::string("normal")}},
        {"positive", {conditioning_value({{condition}})}},
        {"negative", {conditioning_value({{condition}})}},
        {"latent_image", {latent_value({.samples = Tensor(Shape{1, 4, 8, 8})})}},
        {"denoise", {Value::number(1)}}};
    std::vector<std::vector<std::byte>> seen;
    graph::CallContext context;
    context.environment = &environment_;
    context.preview = [&](std::span<const std::byte> bytes, std::string_view) {
      seen.emplace_back(bytes.begin(), bytes.end());
    };
    graph::NodeCall call(graph::NodeInputs(std::move(entries)), context);
    auto result = graph::NodeRegistry::builtin().find("KSampler")->body()(call);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message());
    return seen;
  }

  io::TestFolder folder_;
  library::ModelFolders folders_;
  library::PreviewMethod method_ = library::PreviewMethod::kAuto;
  graph::Environment environment_;
  runtime::Session session_{backend::create_device("cpu").value()};
};

TEST_F(TaesdFiles, AreAVaeWithBothHalves) {
  EXPECT_TRUE(library::taesd_names(folders_).empty());
  add("taesdxl_decoder", models::tiny_decoder_shapes(8));
  EXPECT_TRUE(library::taesd_names(folders_).empty());
  auto half = call_node("VAELoader", {{"vae_name", Value::string("taesdxl")}}, environment_);
  EXPECT_EQ(half.error().message(),
            "taesdxl wants the file taesdxl_encoder.safetensors (or .pth) in the folder "
            "vae_approx, found none");
  add("taesdxl_encoder", models::tiny_encoder_shapes(8));
  EXPECT_EQ(library::taesd_names(folders_), std::vector<std::string>{"taesdxl"});
  EXPECT_EQ(
      library::taesd_files(folders_, "taesdxl"),
      (std::vector<std::string>{"taesdxl_decoder.safetensors", "taesdxl_encoder.safetensors"}));
  EXPECT_TRUE(library::taesd_files(folders_, "sdxl_vae.safetensors").empty());

  auto vae = only_output("VAELoader", {{"vae_name", Value::string("taesdxl")}}, environment_)
                 .share<pipeline::Vae>();
  ASSERT_TRUE(vae->tiny.has_value());
  EXPECT_EQ(vae->tiny->latent_scale, 0.13025f);
  auto there = only_output("VAEEncode",
                           {{"vae", Value::handle("VAE", vae)},
                            {"pixels", image_value(Tensor::filled({1, 16, 24, 3}, 0.5f))}},
                           environment_);
  auto back = only_output("VAEDecode", {{"vae", Value::handle("VAE", vae)}, {"samples", there}},
                          environment_);
  EXPECT_EQ(back.get<Image>().pixels.shape(), (Shape{1, 16, 24, 3}));
}

TEST_F(TaesdFiles, MakePreviewsByTheChosenMethod) {
  const auto fitted = previews(std::nullopt);
  ASSERT_EQ(fitted.size(), 1u);
  add("taesd_decoder", models::tiny_decoder_shapes(8));  // not SDXL's
  EXPECT_EQ(previews(library::PreviewMethod::kTaesd), fitted);
  add("taesdxl_decoder", models::tiny_decoder_shapes(8));
  const auto sharp = previews(library::PreviewMethod::kAuto);
  ASSERT_EQ(sharp.size(), 1u);
  EXPECT_NE(sharp, fitted);
  EXPECT_EQ(previews(library::PreviewMethod::kTaesd), sharp);
  EXPECT_EQ(previews(library::PreviewMethod::kLatent2Rgb), fitted);
  EXPECT_TRUE(previews(library::PreviewMethod::kNone).empty());
  EXPECT_EQ(library::preview_method_from_name("latent2rgb"), library::PreviewMethod::kLatent2Rgb);
  EXPECT_EQ(library::preview_method_from_name("fast"), std::nullopt);
}

}  // namespace
}  // namespace obscura::nodes
