// The VAE under budgets that force it into segments and strips, against the whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "checkpoint/pocket.h"
#include "pipeline/image_codec.h"
#include "tensor/random.h"

namespace obscura::pipeline {
namespace {

const Vae& vae() {
  static const Vae vae =
      *load_checkpoint(ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value())->vae;
  return vae;
}

runtime::Session strips_session(std::optional<std::size_t> budget = std::nullopt) {
  return runtime::Session(backend::create_device("cpu").value(), budget);
}

Tensor noise(Shape shape) {
  return TorchGenerator(5).randn(shape);
}

double psnr(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 0;
  double squares = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i)
    squares += std::pow(static_cast<double>(a.data()[i]) - b.data()[i], 2);
  return -10 * std::log10(squares / static_cast<double>(a.elements()) + 1e-30);
}

int strips(const runtime::ImageNetwork& network) {
  int count = 0;
  for (const auto& step : network.steps()) count += step.strip_rows > 0;
  return count;
}

struct Budget {
  std::int64_t height, width;
  double part;  // of what the whole needs
};

class Strips : public ::testing::TestWithParam<Budget> {};

TEST_P(Strips, DecodeWithoutSeams) {
  auto [height, width, part] = GetParam();
  Tensor latent = noise({1, 4, height, width});
  runtime::Session whole = strips_session();
  Tensor expected = decode_image(whole, vae(), latent, {}).value();
  std::size_t needed = plan(whole, decoder_of(vae()), height, width)->peak_bytes();

  auto budget = static_cast<std::size_t>(static_cast<double>(needed) * part);
  runtime::Session tight = strips_session(budget);
  auto network = plan(tight, decoder_of(vae()), height, width);
  ASSERT_TRUE(network.ok()) << network.error().message();
  EXPECT_GT(strips(*network), 0);
  EXPECT_LE(network->peak_bytes(), budget);
  auto image = decode_image(tight, vae(), latent, {});
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_GT(psnr(expected, *image), 100);
  EXPECT_LE(tight.peak_held_bytes(), budget);
}

TEST_P(Strips, EncodeWithoutSeams) {
  auto [height, width, part] = GetParam();
  Tensor image = noise({1, height * 8, width * 8, 3});
  for (float& value : image.values()) value = std::clamp(value * 0.2f + 0.5f, 0.0f, 1.0f);
  runtime::Session whole = strips_session();
  Tensor expected = encode_image(whole, vae(), image, {}).value();
  std::size_t needed = plan(whole, encoder_of(vae()).value(), height * 8, width * 8)->peak_bytes();
  runtime::Session tight =
      strips_session(static_cast<std::size_t>(static_cast<double>(needed) * part));
  auto network = plan(tight, encoder_of(vae()).value(), height * 8, width * 8);
  ASSERT_TRUE(network.ok()) << network.error().message();
  EXPECT_GT(strips(*network), 0);
  auto latent = encode_image(tight, vae(), image, {});
  ASSERT_TRUE(latent.ok()) << latent.error().message();
  EXPECT_GT(psnr(expected, *latent), 90);
}

INSTANTIATE_TEST_SUITE_P(Budgets, Strips,
                         ::testing::Values(Budget{32, 32, 0.7}, Budget{32, 32, 0.5},
                                           Budget{33, 20, 0.6}, Budget{48, 64, 0.45}));

TEST(StripsOfNothing, ABudgetBelowTheImagesIsRefused) {
  runtime::Session tight = strips_session(2 << 20);
  auto network = plan(tight, decoder_of(vae()), 64, 64);
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().kind(), ErrorKind::kOutOfMemory);
}

}  // namespace
}  // namespace obscura::pipeline
