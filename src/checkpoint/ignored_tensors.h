// Tensors that checkpoints carry and no image needs.
#pragma once

#include <string_view>

namespace obscura::checkpoint {

struct IgnoredTensors {
  std::string_view pattern;  // a name; one `*` in it stands for any text
  std::string_view reason;   // for people

  bool matches(std::string_view name) const {
    std::size_t star = pattern.find('*');
    if (star == std::string_view::npos) return name == pattern;
    return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) &&
           name.ends_with(pattern.substr(star + 1));
  }
};

}  // namespace obscura::checkpoint
