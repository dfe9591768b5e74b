// The recipe of an image: all that decides its bits, as JSON, so that `obscura verify` can render
// it again and say what differs.
//
//   format     1
//   program    {version, revision}: of Obscura
//   device     {name, hardware, libraries, kernels}: kernels are chosen by these
//   precision  what the networks computed in
//   models     [{name, sha256}]: the model files the workflow names
//   inputs     [{name, sha256}]: the images it reads
//   workflow   the API form
//   node, index, seed: which image of which saving node it is
//   pixels     {width, height, channels, sha256}: of the 8-bit samples, row by row
//
// How much memory there was is not part of it: plans do not change bits.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "graph/node_call.h"
#include "tensor/tensor.h"

namespace obscura::nodes {

inline constexpr int kRecipeFormat = 1;

// What the application knows; the nodes find it in the environment.
struct RecipeFacts {
  std::string version;
  std::string revision;
  std::string precision;
};

// The digest of an image's 8-bit samples. `pixels` is (H, W, C) in 0…1.
std::string pixel_digest(const Tensor& pixels);

// The recipe of image `index` of the node that is running, and the digest of its
// checkpoint. Waits for digests of models that are still being computed.
struct Recipe {
  nlohmann::ordered_json json;
  std::string model_sha256;
};
Result<Recipe> make_recipe(const graph::NodeCall& call, std::int64_t index,
                           std::optional<std::uint64_t> seed, const Tensor& pixels);

}  // namespace obscura::nodes
