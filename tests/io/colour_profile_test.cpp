#include "io/colour_profile.h"

#include <gtest/gtest.h>
#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "io/image.h"
#include "io/jpeg.h"
#include "io/jpeg_samples.h"
#include "io/png.h"
#include "io/tiff.h"
#include "io/webp.h"

namespace obscura::io {
namespace {

using Colour = std::array<float, 3>;

Tensor of_colour(const Colour& colour, std::int64_t channels = 3) {
  Tensor pixels = Tensor::filled(Shape{16, 24, channels}, 0.25f);
  for (std::int64_t i = 0; i < pixels.elements() / channels; ++i)
    std::copy(colour.begin(), colour.end(), pixels.data() + i * channels);
  return pixels;
}

void expect_colour(const Tensor& pixels, const Colour& wanted, float tolerance) {
  const std::int64_t channels = pixels.shape()[2];
  for (std::int64_t i = 0; i < pixels.elements() / channels; ++i)
    for (std::int64_t c = 0; c < 3; ++c)
      ASSERT_NEAR(pixels.data()[i * channels + c], wanted[static_cast<std::size_t>(c)], tolerance)
          << "pixel " << i << " channel " << c;
}

ColourProfile saved(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  ::cmsSaveProfileToMem(profile, nullptr, &size);
  ColourProfile bytes(size);
  ::cmsSaveProfileToMem(profile, bytes.data(), &size);
  ::cmsCloseProfile(profile);
  return bytes;
}

// Gray whose numbers are proportional to light.
ColourProfile linear_gray() {
  cmsToneCurve* curve = ::cmsBuildGamma(nullptr, 1.0);
  ColourProfile profile = saved(::cmsCreateGrayProfile(::cmsD50_xyY(), curve));
  ::cmsFreeToneCurve(curve);
  return profile;
}

// A press whose inks make plain gray: lightness is what black leaves, whatever the other inks do.
ColourProfile black_only_press() {
  cmsHPROFILE profile = ::cmsCreateProfilePlaceholder(nullptr);
  ::cmsSetProfileVersion(profile, 2.1);
  ::cmsSetDeviceClass(profile, cmsSigOutputClass);
  ::cmsSetColorSpace(profile, cmsSigCmykData);
  ::cmsSetPCS(profile, cmsSigLabData);
  cmsPipeline* pipeline = ::cmsPipelineAlloc(nullptr, 4, 3);
  cmsStage* table = ::cmsStageAllocCLut16bit(nullptr, 2, 4, 3, nullptr);
  ::cmsStageSampleCLut16bit(
      table,
      [](const cmsUInt16Number inks[], cmsUInt16Number lab[], void*) {
        // Version 2 of ICC stores L* = 100 as 0xff00.
        lab[0] = static_cast<cmsUInt16Number>((0xffff - inks[3]) * 0xff00 / 0xffff);
        lab[1] = lab[2] = 0x8000;
        return TRUE;
      },
      nullptr, 0);
  ::cmsPipelineInsertStage(pipeline, cmsAT_END, table);
  ::cmsWriteTag(profile, cmsSigAToB0Tag, pipeline);
  ::cmsWriteTag(profile, cmsSigAToB1Tag, pipeline);
  ::cmsPipelineFree(pipeline);
  return saved(profile);
}

struct Space {
  const char* name;
  Colour in_srgb;  // of (0.7, 0.5, 0.4), worked out from the spaces' primaries and curves
};
class BuiltinProfiles : public testing::TestWithParam<Space> {};

TEST_P(BuiltinProfiles, MeanTheColoursOfTheirStandard) {
  const ColourProfile profile = builtin_profile(GetParam().name);
  EXPECT_EQ(profile_title(profile), GetParam().name);
  for (std::int64_t channels : {3, 4}) {
    Tensor pixels = of_colour({0.7f, 0.5f, 0.4f}, channels);
    convert_to_srgb(pixels, profile);
    expect_colour(pixels, GetParam().in_srgb, 1.5e-3f);
    if (channels == 4) {
      EXPECT_EQ(pixels.data()[3], 0.25f) << "alpha is no colour";
    }
    auto back = converted_from_srgb(pixels, profile);
    ASSERT_TRUE(back.ok()) << back.error().message();
    expect_colour(*back, {0.7f, 0.5f, 0.4f}, 1e-3f);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BuiltinProfiles,
                         testing::Values(Space{"sRGB", {0.7f, 0.5f, 0.4f}},
                                         Space{"Display P3", {0.73576f, 0.48922f, 0.38154f}},
                                         Space{"Adobe RGB", {0.76828f, 0.50399f, 0.39542f}},
                                         Space{"Rec. 2020", {0.82813f, 0.51838f, 0.43483f}}));

TEST(ColourProfiles, ListEachBuiltinOne) {
  for (std::string_view name : builtin_profile_names())
    EXPECT_EQ(builtin_profile(name), builtin_profile(name)) << "another file each time";
}

TEST(ColourProfiles, OfSrgbChangeNoBit) {
  Tensor pixels = of_colour({0.3f, 0.6f, 0.9f});
  const Tensor before = pixels.clone();
  for (const ColourProfile& same : {builtin_profile("sRGB"), saved(::cmsCreate_sRGBProfile())}) {
    convert_to_srgb(pixels, same);
    EXPECT_TRUE(
        std::equal(pixels.values().begin(), pixels.values().end(), before.values().begin()));
  }
}

// The same image through each format that can hold a profile: what comes back is sRGB.
TEST(ColourProfiles, TravelInEachFormat) {
  const ColourProfile profile = builtin_profile("Adobe RGB");
  const Colour colour = {0.76828f, 0.50399f, 0.39542f};
  const Tensor stored = converted_from_srgb(of_colour(colour), profile).value();
  const std::pair<std::vector<std::byte>, float> files[] = {
      {*encode_png(stored, {}, {.profile = profile}), 3e-3f},
      {*encode_png(stored, {}, {.bits = 16, .profile = profile}), 1e-3f},
      {*encode_tiff(stored, {}, {.profile = profile}), 1e-3f},
      {encode_jpeg(stored, {}, {.quality = 100, .profile = profile}).bytes, 8e-3f},
      {*encode_webp(stored, {}, {.lossless = true, .profile = profile}), 3e-3f}};
  for (const auto& [bytes, tolerance] : files) {
    const std::string name(name_of(*recognise_image(bytes)));
    auto image = decode_image(bytes, name);
    ASSERT_TRUE(image.ok()) << image.error().message();
    EXPECT_EQ(image->profile, profile) << name;
    SCOPED_TRACE(name);
    expect_colour(image->pixels, colour, tolerance);
  }
}

TEST(ColourProfiles, OfGrayAreApplied) {
  Tensor pixels = of_colour({0.5f, 0.5f, 0.5f}, 4);
  convert_to_srgb(pixels, linear_gray());
  expect_colour(pixels, {0.73536f, 0.73536f, 0.73536f}, 2e-3f);
  EXPECT_EQ(pixels.data()[3], 0.25f);
}

// Half of black leaves half of the lightness, L* = 50, which is 0.4663 in sRGB; without the profile
// red would stay red.
TEST(ColourProfiles, OfPressesAreAppliedToCmyk) {
  std::vector<std::uint8_t> inks;
  for (int i = 0; i < 64; ++i) inks.insert(inks.end(), {255, 0, 0, 128});  // inverted, as Adobe's
  const ColourProfile press = black_only_press();
  auto with = decode_image(
      make_jpeg({.width = 8, .height = 8, .colours = JCS_CMYK, .samples = inks, .profile = press}),
      "x");
  ASSERT_TRUE(with.ok()) << with.error().message();
  expect_colour(with->pixels, {0.4663f, 0.4663f, 0.4663f}, 0.02f);
  auto without =
      decode_image(make_jpeg({.width = 8, .height = 8, .colours = JCS_CMYK, .samples = inks}), "x");
  expect_colour(without->pixels, {0.5f, 0, 0}, 0.02f);
}

TEST(ColourProfiles, ThatAreDamagedOrOfAnotherKindChangeNothing) {
  const ColourProfile whole = builtin_profile("Rec. 2020");
  const Colour colour = {0.3f, 0.6f, 0.9f};
  for (std::size_t size : {std::size_t{0}, std::size_t{4}, std::size_t{128}, whole.size() / 2}) {
    Tensor pixels = of_colour(colour);
    convert_to_srgb(pixels, std::span(whole).first(size));
    expect_colour(pixels, colour, 0);
    auto refused = converted_from_srgb(pixels, std::span(whole).first(size));
    EXPECT_FALSE(refused.ok()) << size;
  }
  Tensor pixels = of_colour(colour);
  convert_to_srgb(pixels, black_only_press());
  expect_colour(pixels, colour, 0);
  auto refused = converted_from_srgb(pixels, black_only_press());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("for RGB"), std::string::npos);
  EXPECT_EQ(profile_title(std::as_bytes(std::span("nonsense"))), std::nullopt);
}

}  // namespace
}  // namespace obscura::io
