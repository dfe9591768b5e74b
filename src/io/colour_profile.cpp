#include "io/colour_profile.h"

#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/parallel.h"

namespace obscura::io {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { ::cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct DeleteTransform {
  void operator()(void* transform) const { ::cmsDeleteTransform(transform); }
};
using Transform = std::unique_ptr<void, DeleteTransform>;

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { ::cmsFreeToneCurve(curve); }
};

// Floats with alpha behind the colours, which the transform leaves as it is.
constexpr cmsUInt32Number kRgbAndAlpha =
    FLOAT_SH(1) | COLORSPACE_SH(PT_RGB) | EXTRA_SH(1) | CHANNELS_SH(3) | BYTES_SH(4);

Profile open_profile(std::span<const std::byte> bytes) {
  if (bytes.empty() || bytes.size() > kMaxProfileBytes) return nullptr;
  return Profile(::cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
}

// What the profile's numbers stand for: ICC.1:2022, 7.2, bytes 16 to 19 of the header. (A damaged
// profile may say what is no value of lcms's enumeration.) REQUIRES: lcms opened it.
bool is_for(std::span<const std::byte> profile, cmsColorSpaceSignature wanted) {
  std::uint32_t space = 0;
  for (std::byte byte : profile.subspan(16, 4))
    space = space << 8 | std::to_integer<std::uint32_t>(byte);
  return space == static_cast<std::uint32_t>(wanted);
}

// One transform serves several threads as long as it keeps no cache.
Transform make_transform(const Profile& from, cmsUInt32Number from_layout, const Profile& to,
                         cmsUInt32Number to_layout) {
  return Transform(::cmsCreateTransform(from.get(), from_layout, to.get(), to_layout,
                                        INTENT_RELATIVE_COLORIMETRIC,
                                        cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION));
}

// Broken curves make NaN.
float clipped(float value) {
  return value > 0 ? std::min(value, 1.0f) : 0;
}

// Whether the profile says of every colour what sRGB says, to half a step of 8 bits.
bool is_srgb(const Profile& profile) {
  const Profile srgb(::cmsCreate_sRGBProfile());
  const Transform transform = make_transform(profile, TYPE_RGB_FLT, srgb, TYPE_RGB_FLT);
  if (transform == nullptr) return false;
  constexpr int kLevels = 9;
  for (int i = 0; i < kLevels * kLevels * kLevels; ++i) {
    const std::array<int, 3> level = {i % kLevels, i / kLevels % kLevels, i / kLevels / kLevels};
    std::array<float, 3> colour{};
    for (std::size_t c = 0; c < 3; ++c) colour[c] = static_cast<float>(level[c]) / (kLevels - 1);
    std::array<float, 3> same{};
    ::cmsDoTransform(transform.get(), colour.data(), same.data(), 1);
    for (std::size_t c = 0; c < 3; ++c)
      if (!(std::fabs(same[c] - colour[c]) < 0.5f / 255)) return false;
  }
  return true;
}

// In place, row by row.
void transform_rgb(const Transform& transform, Tensor& pixels) {
  const std::int64_t width = pixels.shape()[1], channels = pixels.shape()[2];
  parallel_for(pixels.shape()[0], [&](std::int64_t y) {
    float* row = pixels.data() + y * width * channels;
    ::cmsDoTransform(transform.get(), row, row, static_cast<cmsUInt32Number>(width));
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int64_t c = 0; c < 3; ++c) row[x * channels + c] = clipped(row[x * channels + c]);
  });
}

void transform_gray(const Transform& transform, Tensor& pixels) {
  const std::int64_t width = pixels.shape()[1], channels = pixels.shape()[2];
  parallel_for(pixels.shape()[0], [&](std::int64_t y) {
    float* row = pixels.data() + y * width * channels;
    for (std::int64_t x = 0; x < width; ++x) {
      std::array<float, 3> colour{};
      ::cmsDoTransform(transform.get(), row + x * channels, colour.data(), 1);
      for (std::size_t c = 0; c < 3; ++c)
        row[x * channels + static_cast<std::int64_t>(c)] = clipped(colour[c]);
    }
  });
}

struct BuiltinSpace {
  std::string_view name;
  cmsCIExyYTRIPLE primaries;
  // The curve, as lcms numbers its kinds: a power (1), or sRGB's, a power with a line at the dark
  // end (4).
  int curve;
  std::array<double, 5> parameters;
};
constexpr cmsCIExyY kD65 = {0.3127, 0.3290, 1};
constexpr std::array<double, 5> kSrgbCurve = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
// ITU-R BT.2020's curve for many bits.
constexpr std::array<double, 5> kRec2020Curve = {1 / 0.45, 1 / 1.0993, 0.0993 / 1.0993, 1 / 4.5,
                                                 0.08145};
constexpr BuiltinSpace kBuiltin[] = {
    {"sRGB", {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}}, 4, kSrgbCurve},
    {"Display P3", {{0.68, 0.32, 1}, {0.265, 0.69, 1}, {0.15, 0.06, 1}}, 4, kSrgbCurve},
    {"Adobe RGB", {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}}, 1, {563.0 / 256}},
    {"Rec. 2020", {{0.708, 0.292, 1}, {0.170, 0.797, 1}, {0.131, 0.046, 1}}, 4, kRec2020Curve}};
constexpr std::string_view kBuiltinNames[] = {"sRGB", "Display P3", "Adobe RGB", "Rec. 2020"};

void set_title(const Profile& profile, std::string_view name) {
  const std::unique_ptr<cmsMLU, void (*)(cmsMLU*)> text(::cmsMLUalloc(nullptr, 1), ::cmsMLUfree);
  ::cmsMLUsetASCII(text.get(), "en", "US", std::string(name).c_str());
  ::cmsWriteTag(profile.get(), cmsSigProfileDescriptionTag, text.get());
}

}  // namespace

std::optional<std::string> profile_title(std::span<const std::byte> profile) {
  const Profile opened = open_profile(profile);
  if (opened == nullptr) return std::nullopt;
  std::array<char, 256> title{};
  ::cmsGetProfileInfoASCII(opened.get(), cmsInfoDescription, "en", "US", title.data(),
                           static_cast<cmsUInt32Number>(title.size() - 1));
  return std::string(title.data());
}

void convert_to_srgb(Tensor& pixels, std::span<const std::byte> profile) {
  const Profile opened = open_profile(profile);
  if (opened == nullptr) return;
  const Profile srgb(::cmsCreate_sRGBProfile());
  if (is_for(profile, cmsSigGrayData)) {
    const Transform transform = make_transform(opened, TYPE_GRAY_FLT, srgb, TYPE_RGB_FLT);
    if (transform != nullptr) transform_gray(transform, pixels);
  } else if (is_for(profile, cmsSigRgbData) && !is_srgb(opened)) {
    const cmsUInt32Number layout = pixels.shape()[2] == 4 ? kRgbAndAlpha : TYPE_RGB_FLT;
    const Transform transform = make_transform(opened, layout, srgb, layout);
    if (transform != nullptr) transform_rgb(transform, pixels);
  }
}

std::optional<Tensor> srgb_of_cmyk(std::span<const std::uint8_t> inks, std::int64_t height,
                                   std::int64_t width, bool inverted,
                                   std::span<const std::byte> profile) {
  OBSCURA_CHECK(static_cast<std::int64_t>(inks.size()) == height * width * 4,
                "inks do not fill the image");
  const Profile opened = open_profile(profile);
  if (opened == nullptr || !is_for(profile, cmsSigCmykData)) return std::nullopt;
  const Profile srgb(::cmsCreate_sRGBProfile());
  const Transform transform = make_transform(opened, TYPE_CMYK_8, srgb, TYPE_RGB_FLT);
  if (transform == nullptr) return std::nullopt;
  Tensor pixels(Shape{height, width, 3});
  parallel_for(height, [&](std::int64_t y) {
    float* row = pixels.data() + y * width * 3;
    const auto stored =
        inks.subspan(static_cast<std::size_t>(y * width * 4), static_cast<std::size_t>(width * 4));
    std::vector<std::uint8_t> amounts(stored.begin(), stored.end());
    if (inverted)
      for (std::uint8_t& amount : amounts) amount = static_cast<std::uint8_t>(255 - amount);
    ::cmsDoTransform(transform.get(), amounts.data(), row, static_cast<cmsUInt32Number>(width));
    for (std::int64_t i = 0; i < width * 3; ++i) row[i] = clipped(row[i]);
  });
  return pixels;
}

Result<Tensor> converted_from_srgb(const Tensor& pixels, std::span<const std::byte> profile) {
  const Profile opened = open_profile(profile);
  if (opened == nullptr)
    return Error(ErrorKind::kInvalidInput, "the colour profile is damaged: it cannot be opened");
  if (!is_for(profile, cmsSigRgbData))
    return Error(ErrorKind::kInvalidInput,
                 "wanted a colour profile for RGB, found one for other colours");
  if (is_srgb(opened)) return pixels;
  const Profile srgb(::cmsCreate_sRGBProfile());
  const cmsUInt32Number layout = pixels.shape()[2] == 4 ? kRgbAndAlpha : TYPE_RGB_FLT;
  const Transform transform = make_transform(srgb, layout, opened, layout);
  if (transform == nullptr)
    return Error(ErrorKind::kInvalidInput,
                 "the colour profile says how to read colours, not how to write them");
  Tensor converted = pixels.clone();
  transform_rgb(transform, converted);
  return converted;
}

std::span<const std::string_view> builtin_profile_names() {
  return kBuiltinNames;
}

ColourProfile builtin_profile(std::string_view name) {
  const auto* space = std::find_if(std::begin(kBuiltin), std::end(kBuiltin),
                                   [&](const BuiltinSpace& entry) { return entry.name == name; });
  OBSCURA_CHECK(space != std::end(kBuiltin), "no such colour profile");
  const std::unique_ptr<cmsToneCurve, FreeCurve> curve(
      ::cmsBuildParametricToneCurve(nullptr, space->curve, space->parameters.data()));
  cmsToneCurve* curves[] = {curve.get(), curve.get(), curve.get()};
  const Profile profile(::cmsCreateRGBProfile(&kD65, &space->primaries, curves));
  set_title(profile, name);
  cmsUInt32Number size = 0;
  ::cmsSaveProfileToMem(profile.get(), nullptr, &size);
  ColourProfile bytes(size);
  ::cmsSaveProfileToMem(profile.get(), bytes.data(), &size);
  // The date of making, which would make every file another one: the header's bytes 24 to 35.
  constexpr std::array<std::uint8_t, 12> kDate = {0x07, 0xd0, 0, 1, 0, 1};  // 2000-01-01, 0:00
  std::memcpy(bytes.data() + 24, kDate.data(), kDate.size());
  return bytes;
}

}  // namespace obscura::io
