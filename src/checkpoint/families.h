// The families of Stable Diffusion, told apart by the width of the context that cross-attention
// takes.
#pragma once

#include <cstdint>
#include <string_view>

namespace obscura::checkpoint {

// "SDXL", "SDXL's refiner", "Stable Diffusion 2", "Stable Diffusion 1"; empty for another width.
std::string_view family_of_context(std::int64_t width);

}  // namespace obscura::checkpoint
