// Which family a file that changes or guides a U-Net was made for.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "checkpoint/family.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// " for SDXL", from the innermost size of the first tensor whose name contains one of `parts`: a
// projection of the text states. Empty if nothing tells.
inline std::string made_for(const TensorNames& names,
                            std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts) {
    const io::TensorEntry* entry = names.find_containing(part);
    if (entry == nullptr || entry->shape.rank() < 2) continue;
    std::string_view family = family_of_context(entry->shape[1]);
    return family.empty() ? "" : " for " + std::string(family);
  }
  return "";
}

}  // namespace obscura::checkpoint
