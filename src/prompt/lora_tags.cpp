#include "prompt/lora_tags.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/trim.h"
#include "prompt/scan.h"

namespace obscura::prompt {
namespace {

// "name:0.8", "name:0.8:0.5" (text encoders, then U-Net), "name:te=1:unet=0.5".
LoraTag lora_tag(std::string_view inside) {
  LoraTag tag;
  int place = 0;
  bool unet_given = false;
  for (std::size_t begin = 0; begin <= inside.size(); ++place) {
    const std::size_t end = std::min(inside.find(':', begin), inside.size());
    const std::string_view part = trimmed(inside.substr(begin, end - begin));
    begin = end + 1;
    if (place == 0) {
      tag.name = part;
      continue;
    }
    const std::size_t equals = part.find('=');
    const std::string_view key =
        equals == std::string_view::npos ? std::string_view() : part.substr(0, equals);
    const auto value = number_in(equals == std::string_view::npos ? part : part.substr(equals + 1));
    if (!value) continue;
    if (key == "te" || (key.empty() && place == 1)) tag.text = *value;
    if (key == "unet" || (key.empty() && place == 2)) {
      tag.unet = *value;
      unet_given = true;
    }
  }
  if (!unet_given) tag.unet = tag.text;
  return tag;
}

}  // namespace

std::string without_tags(std::string_view text, std::vector<LoraTag>& loras) {
  constexpr std::string_view kBegin = "<lora:";
  std::string rest;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(kBegin, begin)) != std::string_view::npos;) {
    const std::size_t end = text.find('>', at);
    if (end == std::string_view::npos) break;
    rest += text.substr(begin, at - begin);
    loras.push_back(lora_tag(text.substr(at + kBegin.size(), end - at - kBegin.size())));
    begin = end + 1;
  }
  return rest + std::string(text.substr(begin));
}

}  // namespace obscura::prompt
