// English for messages about types.
#pragma once

#include <string>
#include <string_view>

namespace obscura::graph {

// "an IMAGE", "a LATENT".
inline std::string with_article(std::string_view type) {
  const bool vowel = !type.empty() && std::string_view("AEIOaeio").find(type[0]) != type.npos;
  return (vowel ? "an " : "a ") + std::string(type);
}

}  // namespace obscura::graph
