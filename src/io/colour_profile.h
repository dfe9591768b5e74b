// ICC profiles, by Little CMS: what the numbers of an image mean. Inside the program every image
// is sRGB; profiles are applied where images come in, and where one is wanted as they go out.
// Colours are matched relative to white, with the black points mapped to each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::io {

// The bytes of an ICC profile; empty: none, which means sRGB.
using ColourProfile = std::vector<std::byte>;

// Larger ones are passed over; those of printing presses have about two megabytes.
inline constexpr std::size_t kMaxProfileBytes = std::size_t{16} << 20;

// Its own name for itself ("Display P3"); nothing if these are not the bytes of a profile.
std::optional<std::string> profile_title(std::span<const std::byte> profile);

// Converts `pixels`, (H, W, 3 or 4) in 0…1, in place and clips them. A profile for RGB or gray is
// applied (gray to the first channel); one that is damaged, is for something else, or differs from
// sRGB by less than half an 8-bit step changes no bit. Alpha stays.
void convert_to_srgb(Tensor& pixels, std::span<const std::byte> profile);

// 8-bit CMYK to sRGB (H, W, 3). `inverted`: 255 is no ink, as Adobe stores it. Nothing if the
// profile is none for CMYK. REQUIRES: inks.size() == height * width * 4.
std::optional<Tensor> srgb_of_cmyk(std::span<const std::uint8_t> inks, std::int64_t height,
                                   std::int64_t width, bool inverted,
                                   std::span<const std::byte> profile);

// The other way: what to store beside `profile`. kInvalidInput for a profile that is damaged or not
// for RGB.
Result<Tensor> converted_from_srgb(const Tensor& pixels, std::span<const std::byte> profile);

// Profiles that need no file, by name: "sRGB", "Display P3", "Adobe RGB" and "Rec. 2020".
std::span<const std::string_view> builtin_profile_names();
// REQUIRES: one of these names.
ColourProfile builtin_profile(std::string_view name);

}  // namespace obscura::io
