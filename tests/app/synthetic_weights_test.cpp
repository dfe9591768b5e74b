#include "app/synthetic_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "io/key_list.h"
#include "test_paths.h"

namespace obscura::app {
namespace {

const std::string kUNet = "model.diffusion_model.";

TEST(SyntheticWeights, AreTheTensorsOfSdxlWithoutTheirPrefix) {
  auto store = synthetic_sdxl(kUNet);
  ASSERT_TRUE(store.ok()) << store.error().message();
  auto list = io::read_key_list(source_path("models/keys/sdxl_base_keys.tsv"));
  ASSERT_TRUE(list.ok());
  std::size_t wanted = 0;
  for (const io::TensorDeclaration& tensor : *list) {
    if (tensor.name.rfind(kUNet, 0) != 0) continue;
    ++wanted;
    const auto* found = (*store)->find_tensor(tensor.name.substr(kUNet.size()));
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->shape, tensor.shape) << tensor.name;
    EXPECT_EQ(found->dtype, DType::kF16);
    EXPECT_EQ(found->bytes.size(), static_cast<std::size_t>(tensor.shape.elements()) * 2);
  }
  EXPECT_EQ((*store)->tensors().size(), wanted);
  EXPECT_GT(wanted, 1000U);
}

// The whole U-Net is 5 GB; what it takes is its largest tensor.
TEST(SyntheticWeights, ShareOneBlock) {
  auto store = synthetic_sdxl(kUNet);
  ASSERT_TRUE(store.ok());
  const auto& tensors = (*store)->tensors();
  for (const auto& [name, tensor] : tensors)
    EXPECT_EQ(tensor.bytes.data(), tensors.begin()->second.bytes.data()) << name;
}

TEST(SyntheticWeights, AreSmallAndSpreadAroundZero) {
  auto store = synthetic_sdxl("first_stage_model.");
  ASSERT_TRUE(store.ok());
  const auto* bias = (*store)->find_tensor("decoder.conv_in.bias");
  ASSERT_NE(bias, nullptr);
  std::vector<std::uint16_t> bits(bias->bytes.size() / 2);
  std::memcpy(bits.data(), bias->bytes.data(), bias->bytes.size());
  ASSERT_EQ(bits.size(), 512U);
  double sum = 0, largest = 0;
  for (std::uint16_t each : bits) {
    const double value = f16_to_f32(each);
    sum += value;
    largest = std::max(largest, std::abs(value));
  }
  EXPECT_LE(largest, 0.008 * (1 + 1.0 / 1024)) << "within the rounding of float16";
  EXPECT_GT(largest, 0.006);
  // 512 numbers of a standard deviation of 0.0046: their mean within 5 of its own.
  EXPECT_LT(std::abs(sum / 512), 5 * 0.0046 / std::sqrt(512.0));
}

TEST(SyntheticWeights, OfAPrefixThatNothingHasAreNone) {
  auto store = synthetic_sdxl("no_such_model.");
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE((*store)->tensors().empty());
}

}  // namespace
}  // namespace obscura::app
