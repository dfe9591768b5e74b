// LoRAs named in prompts: <lora:name:0.8>.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace obscura::prompt {

struct LoraTag {
  std::string name;
  double text = 1, unet = 1;
  bool operator==(const LoraTag&) const = default;
};

// The text without its tags, which are put behind `loras`.
std::string without_tags(std::string_view text, std::vector<LoraTag>& loras);

}  // namespace obscura::prompt
