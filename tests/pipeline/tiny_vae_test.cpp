// TAESD at a width of 8, from file to image, against PyTorch (tests/golden/taesd.safetensors:
// "taesd.py" written down again there, with the same weights).
#include <gtest/gtest.h>

#include <cmath>

#include "io/test_folder.h"
#include "models/golden.h"
#include "models/tiny_vae_files.h"
#include "models/vae/tiny_vae.h"
#include "pipeline/image_codec.h"
#include "pipeline/preview.h"

namespace obscura::pipeline {
namespace {

constexpr float kScale = 0.13025f;
std::shared_ptr<const ModelFile> written(const std::filesystem::path& path,
                                         const std::vector<models::NamedWeight>& weights) {
  models::write_weights(path, weights);
  auto file = ModelFile::open(path, path.filename().string());
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message());
  return file.ok() ? *file : nullptr;
}

Tensor in_torch(const char* name) {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::open(golden::path("taesd.safetensors")).value();
  return golden::tensor(kFile, name);
}

Tensor sine(const Shape& shape, double frequency, double factor, double offset) {
  Tensor tensor(shape);
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    tensor.data()[i] =
        static_cast<float>(offset + factor * std::sin(frequency * static_cast<double>(i)));
  return tensor;
}

void expect_to_agree(const std::shared_ptr<const Vae>& vae) {
  ASSERT_EQ(vae->dimensions.scale(), 8);
  runtime::Session session(backend::create_device("cpu").value());
  auto image = decode_image(session, *vae, sine({1, 4, 3, 2}, 0.37, 4 / kScale, 0), {});
  ASSERT_TRUE(image.ok()) << image.error().message();
  Tensor wanted = models::channels_last(in_torch("out.decode.image"));
  for (float& value : wanted.values()) value = std::clamp(value, 0.0f, 1.0f);
  EXPECT_LT(models::relative_error(*image, wanted), 1e-5);

  auto latent =
      encode_image(session, *vae, models::channels_last(sine({1, 3, 24, 16}, 0.11, 0.5, 0.5)), {});
  ASSERT_TRUE(latent.ok()) << latent.error().message();
  Tensor code = in_torch("out.encode.latent");
  for (float& value : code.values()) value /= kScale;
  EXPECT_LT(models::relative_error(*latent, code), 1e-5);
}

TEST(TinyVae, OfTwoFilesAgreesWithPyTorch) {
  io::TestFolder folder;
  auto decoder = written(folder.path() / "decoder.safetensors",
                         models::filled(models::tiny_decoder_shapes(8)));
  auto encoder = written(folder.path() / "encoder.safetensors",
                         models::filled(models::tiny_encoder_shapes(8)));
  ASSERT_TRUE(decoder && encoder);
  EXPECT_TRUE(decoder->layout().tensors.unknown.empty());
  EXPECT_TRUE(encoder->layout().tensors.unknown.empty());
  expect_to_agree(load_tiny_vae(decoder, encoder, kScale).value());
  EXPECT_EQ(load_tiny_vae(encoder, decoder, kScale).error().kind(), ErrorKind::kInvalidInput);
}

// Diffusers counts the decoder's layers without the first, and keeps both halves in one file.
TEST(TinyVae, OfDiffusersAgreesWithPyTorch) {
  io::TestFolder folder;
  std::vector<models::NamedWeight> both;
  for (models::NamedWeight& weight : models::filled(models::tiny_decoder_shapes(8))) {
    const std::size_t dot = weight.name.find('.');
    both.push_back(
        {"decoder.layers." + std::to_string(std::stoi(weight.name) - 1) + weight.name.substr(dot),
         std::move(weight.values)});
  }
  for (models::NamedWeight& weight : models::filled(models::tiny_encoder_shapes(8)))
    both.push_back({"encoder.layers." + weight.name, std::move(weight.values)});
  auto file = written(folder.path() / "taesd.safetensors", both);
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(file->layout().tensors.unknown.empty());
  expect_to_agree(load_tiny_vae(file, file, kScale).value());
}

// The published size: 1.2 million parameters a half.
TEST(TinyVae, OfThePublishedSizePlansAndPreviews) {
  io::TestFolder folder;
  auto decoder = written(folder.path() / "decoder.safetensors",
                         models::filled(models::tiny_decoder_shapes(64)));
  auto encoder = written(folder.path() / "encoder.safetensors",
                         models::filled(models::tiny_encoder_shapes(64)));
  ASSERT_TRUE(decoder && encoder);
  EXPECT_EQ(decoder->layout().components.at(0).parameters(), 1'222'531);
  EXPECT_EQ(encoder->layout().components.at(0).parameters(), 1'222'532);
  auto vae = load_tiny_vae(decoder, nullptr, kScale).value();
  runtime::Session session(backend::create_device("cpu").value());
  EXPECT_TRUE(plan(session, decoder_of(*vae), 128, 128).ok());
  EXPECT_EQ(encoder_of(*vae).error().message(), "decoder.safetensors only decodes");

  Previewer previewer(session, nullptr, vae);
  const Tensor latent = sine({2, 4, 16, 8}, 0.37, 4, 0);
  auto preview = previewer.preview(latent, {});
  ASSERT_TRUE(preview.ok()) << preview.error().message();
  ASSERT_TRUE(preview->has_value());
  const Tensor decoded = decode_image(session, *vae, latent.slice(0), {}).value();
  EXPECT_EQ((*preview)->shape(), (Shape{1, 128, 64, 3}));
  EXPECT_EQ(golden::max_difference(**preview, decoded), 0);
}

}  // namespace
}  // namespace obscura::pipeline
