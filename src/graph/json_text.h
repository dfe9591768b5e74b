// Reads JSON that may come from anybody: a file, an image's metadata, the network.
//
// Beyond the grammar (RFC 8259), it refuses what costs too much or means two things: texts over a
// size, nesting over a depth (later code walks documents recursively), too many values, and an
// object that has one key twice. One thing it forgives: Python writes NaN, Infinity and -Infinity,
// and ComfyUI does so in the metadata of images; they are read as null.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

namespace obscura::graph {

struct JsonLimits {
  std::size_t bytes = std::size_t{16} << 20;
  std::size_t depth = 100;
  std::size_t values = 1'000'000;
};

// The document with its keys in the order of the text; otherwise kInvalidInput with line and
// column, or with the limit.
Result<nlohmann::ordered_json> parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace obscura::graph
