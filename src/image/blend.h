// How the values of two images are blended.
#pragma once

#include <string>

namespace obscura::image {

using BlendFunction = float (*)(float below, float above);

// "multiply", "screen", "overlay", "soft_light", "difference"; any other name takes what is above.
BlendFunction blend_function(const std::string& mode);

}  // namespace obscura::image
