// What must hold for any bytes given as a colour profile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "io/colour_profile.h"

namespace obscura::fuzz {

// Throws InternalError, or trips a sanitizer, if a profile makes something that is no image.
// Returns whether anything was made of it.
inline bool fuzz_colour_profile(std::span<const std::byte> input) {
  auto check = [](const Tensor& pixels) {
    for (float value : pixels.values())
      OBSCURA_CHECK(value >= 0 && value <= 1, "a sample outside 0…1");
  };
  bool used = io::profile_title(input).has_value();
  for (std::int64_t channels : {3, 4}) {
    Tensor pixels(Shape{3, 9, channels});
    for (std::int64_t i = 0; i < pixels.elements(); ++i)
      pixels.data()[i] = static_cast<float>(i % 17) / 16;
    io::convert_to_srgb(pixels, input);
    check(pixels);
    auto back = io::converted_from_srgb(pixels, input);
    if (back.ok()) check(*back);
    used = used || back.ok();
  }
  std::vector<std::uint8_t> inks(3 * 9 * 4);
  for (std::size_t i = 0; i < inks.size(); ++i) inks[i] = static_cast<std::uint8_t>(i * 37);
  for (bool inverted : {false, true}) {
    auto pixels = io::srgb_of_cmyk(inks, 3, 9, inverted, input);
    if (pixels) check(*pixels);
    used = used || pixels;
  }
  return used;
}

}  // namespace obscura::fuzz
