// What travels over the links between Obscura's nodes, beside the types of pipeline/: the C++ type
// behind each socket name, and how to make a value of it.
//
//   MODEL pipeline::DiffusionModel   CLIP pipeline::TextEncoders   VAE pipeline::Vae
//   LATENT pipeline::Latent          CONDITIONING pipeline::Conditioning
//   IMAGE Image                      MASK Mask
//   SAMPLER SamplerChoice            SIGMAS Sigmas
//   GUIDER Guider                    NOISE NoiseChoice
//   HOOKS pipeline::Hooks
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/family.h"
#include "diffusion/sampler.h"
#include "graph/node_call.h"
#include "graph/value.h"
#include "pipeline/conditioning.h"
#include "pipeline/sample.h"
#include "tensor/tensor.h"

namespace obscura::nodes {

// Images of one size.
struct Image {
  Tensor pixels;  // (B, H, W, C) in 0…1, C = 3 or 4
  std::size_t value_bytes() const {
    return static_cast<std::size_t>(pixels.elements()) * sizeof(float);
  }
};

struct Mask {
  Tensor values;  // (B, H, W) in 0…1
  std::size_t value_bytes() const {
    return static_cast<std::size_t>(values.elements()) * sizeof(float);
  }
};

struct SamplerChoice {
  std::string name;
  diffusion::SamplerOptions options;
};

struct Sigmas {
  std::vector<float> values;
};

// A model with what guides it.
struct Guider {
  std::shared_ptr<const pipeline::DiffusionModel> model;
  pipeline::Guidance guidance;
};

struct NoiseChoice {
  std::uint64_t seed = 0;
  bool is_any = true;  // false: sampling adds no noise
  std::optional<diffusion::VariedNoise> varied;
};

// Pixels of an image for one of a latent along each side, as ComfyUI's nodes count them whatever
// the model.
inline constexpr std::int64_t kPixelsOfALatent = checkpoint::kUsualLatents.pixels;

// The images and masks at a node's inputs.
inline const Tensor& pixels_of(const graph::NodeCall& call, const char* input = "image") {
  return call.get<Image>(input).pixels;
}
inline const Tensor& mask_of(const graph::NodeCall& call, const char* input = "mask") {
  return call.get<Mask>(input).values;
}

inline graph::Value image_value(Tensor pixels) {
  return graph::Value::handle("IMAGE", Image{std::move(pixels)});
}
inline graph::Value mask_value(Tensor values) {
  return graph::Value::handle("MASK", Mask{std::move(values)});
}
inline graph::Value latent_value(pipeline::Latent latent) {
  return graph::Value::handle("LATENT", std::move(latent));
}
inline graph::Value conditioning_value(pipeline::Conditioning conditioning) {
  return graph::Value::handle("CONDITIONING", std::move(conditioning));
}
inline graph::Value sigmas_value(std::vector<float> sigmas) {
  return graph::Value::handle("SIGMAS", Sigmas{std::move(sigmas)});
}

}  // namespace obscura::nodes
