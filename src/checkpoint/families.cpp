#include "checkpoint/families.h"

namespace obscura::checkpoint {

std::string_view family_of_context(std::int64_t width) {
  switch (width) {
    case 2048:
      return "SDXL";
    case 1280:
      return "SDXL's refiner";
    case 1024:
      return "Stable Diffusion 2";
    case 768:
      return "Stable Diffusion 1";
  }
  return "";
}

}  // namespace obscura::checkpoint
