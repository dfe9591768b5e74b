#include "tensor/resize.h"

#include <gtest/gtest.h>

#include <charconv>
#include <sstream>

#include "golden_data.h"

namespace obscura {
namespace {

const io::SafetensorsFile& resize_file() {
  static const auto file = io::SafetensorsFile::open(golden::path("resize.safetensors")).value();
  return file;
}

// "image.bicubic.46x34.center" and the like.
struct Case {
  std::string input;
  ResizeMethod method;
  std::int64_t width, height;
  ResizeCrop crop;
};

std::optional<Case> case_of(const std::string& name) {
  std::vector<std::string> parts;
  std::stringstream stream(name);
  for (std::string part; std::getline(stream, part, '.');) parts.push_back(part);
  if (parts.size() != 4) return std::nullopt;  // an input
  std::size_t cross = parts[2].find('x');
  return Case{parts[0], resize_method_from_name(parts[1]).value(),
              std::stoll(parts[2].substr(0, cross)), std::stoll(parts[2].substr(cross + 1)),
              parts[3] == "center" ? ResizeCrop::kCenter : ResizeCrop::kDisabled};
}

double tolerance_of(ResizeMethod method) {
  return method == ResizeMethod::kLanczos ? 0 : 1e-5;
}

TEST(Resize, EqualsComfyUi) {
  int count = 0;
  for (const io::TensorEntry& entry : resize_file().entries()) {
    auto golden_case = case_of(entry.name);
    if (!golden_case) continue;
    const auto& [input, method, width, height, crop] = *golden_case;
    Tensor resized = resize(golden::tensor(resize_file(), input), width, height, method, crop);
    EXPECT_LE(golden::max_difference(resized, golden::tensor(entry)), tolerance_of(method))
        << entry.name;
    ++count;
  }
  EXPECT_EQ(count, 137);
}

TEST(Resize, TheComparisonSeesAWrongNumber) {
  Tensor wanted = golden::tensor(resize_file(), "image.lanczos.11x8.center");
  Tensor planted = resize(golden::tensor(resize_file(), "image"), 11, 8, ResizeMethod::kLanczos,
                          ResizeCrop::kCenter);
  planted.values()[20] += 1.0f / 255;
  EXPECT_GT(golden::max_difference(planted, wanted), tolerance_of(ResizeMethod::kLanczos));
  Tensor bilinear = resize(golden::tensor(resize_file(), "image"), 11, 8, ResizeMethod::kBilinear);
  EXPECT_GT(golden::max_difference(bilinear,
                                   golden::tensor(resize_file(), "image.bicubic.11x8.disabled")),
            1e-3);
}

TEST(Resize, ImagesAreResizedChannelByChannel) {
  Tensor planes = golden::tensor(resize_file(), "image");
  Tensor image = image_of_planes(planes);
  EXPECT_EQ(image.shape(), (Shape{1, 17, 23, 3}));
  EXPECT_EQ(image.data()[(5 * 23 + 7) * 3 + 2], planes.data()[(2 * 17 + 5) * 23 + 7]);
  EXPECT_EQ(golden::max_difference(planes_of_image(image), planes), 0);
  for (auto method : {ResizeMethod::kBicubic, ResizeMethod::kLanczos, ResizeMethod::kArea}) {
    Tensor resized = resize_image(image, 31, 20, method, ResizeCrop::kCenter);
    EXPECT_EQ(golden::max_difference(planes_of_image(resized),
                                     resize(planes, 31, 20, method, ResizeCrop::kCenter)),
              0);
  }
}

TEST(Resize, ABatchEqualsSingles) {
  Tensor one = golden::tensor(resize_file(), "image"),
         other = golden::tensor(resize_file(), "image_signed");
  Tensor both[] = {one, other};
  Tensor batch = concatenate(both);
  for (auto method : {ResizeMethod::kNearestExact, ResizeMethod::kBilinear, ResizeMethod::kArea,
                      ResizeMethod::kBicubic, ResizeMethod::kLanczos, ResizeMethod::kBislerp}) {
    Tensor resized = resize(batch, 12, 30, method);
    EXPECT_EQ(golden::max_difference(resized.slice(0), resize(one, 12, 30, method)), 0);
    EXPECT_EQ(golden::max_difference(resized.slice(1), resize(other, 12, 30, method)), 0);
  }
}

TEST(Resize, OnePixelAndUnknownNames) {
  Tensor pixel = Tensor::filled({1, 4, 1, 1}, 0.2f);
  for (auto method : {ResizeMethod::kNearestExact, ResizeMethod::kBilinear, ResizeMethod::kArea,
                      ResizeMethod::kBicubic, ResizeMethod::kLanczos, ResizeMethod::kBislerp}) {
    EXPECT_LE(
        golden::max_difference(resize(pixel, 3, 5, method), Tensor::filled({1, 4, 5, 3}, 0.2f)),
        1e-6);
    EXPECT_EQ(resize(golden::tensor(resize_file(), "image"), 1, 1, method).shape(),
              (Shape{1, 3, 1, 1}));
  }
  EXPECT_FALSE(resize_method_from_name("nearest").has_value());
  EXPECT_THROW(resize(pixel, 0, 5, ResizeMethod::kArea), InternalError);
}

}  // namespace
}  // namespace obscura
