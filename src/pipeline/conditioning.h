// What a prompt becomes: text states, and where, when and how strongly they apply. The socket
// CONDITIONING is a list of these; entries are combined by weight at every model call.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "diffusion/regions.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// SDXL's size conditioning (arXiv:2307.01952, section 2.2), in pixels.
struct SizeConditioning {
  double height = 0, width = 0;  // of the training image before it was resized
  double crop_top = 0, crop_left = 0;
  double target_height = 0, target_width = 0;

  std::array<double, 6> values() const {
    return {height, width, crop_top, crop_left, target_height, target_width};
  }
  bool operator==(const SizeConditioning&) const = default;
};

// What a network with more input channels than a latent has sees besides: an inpainting model the
// mask and the masked image, an editing model the image.
struct ConcatLatent {
  Tensor image;                // (B, 4, h, w), unscaled: as the VAE's encoder returns it
  std::optional<Tensor> mask;  // (B, H, W) in 0…1, of any size; 1 where the image may change

  std::size_t value_bytes() const {
    return static_cast<std::size_t>(image.elements() + (mask ? mask->elements() : 0)) *
           sizeof(float);
  }
};

// A rectangle in parts of the latent's sides.
struct AreaFractions {
  double height = 1, width = 1, y = 0, x = 0;
};

struct Hooks;  // pipeline/hooks.h

struct Condition {
  Tensor states;                                // (1, tokens, features): both encoders side by side
  Tensor pooled;                                // (1, features)
  std::optional<SizeConditioning> size;         // none: the size of the image, uncropped
  std::optional<double> aesthetic_score;        // the refiner's; none: 6, or 2.5 if negative
  std::optional<ConcatLatent> concat;           // none: the image that is sampled, and its mask
  std::optional<diffusion::Area> area;          // in latent pixels
  std::optional<AreaFractions> area_fractions;  // where there is no `area`
  bool area_is_mask_bounds = false;             // goes before both
  std::optional<Tensor> mask;                   // (1, H, W) in 0…1, of any size
  double strength = 1;
  double mask_strength = 1;
  double start_percent = 0, end_percent = 1;  // of the sampling
  // While the text states hold, where they were encoded for a part of the sampling.
  double text_start_percent = 0, text_end_percent = 1;
  // Changes of the model's weights for this condition; null: none.
  std::shared_ptr<const Hooks> hooks;
  // Counts only in these steps of a run, from 0, the end not included.
  struct Steps {
    int first = 0, end = 0;
  };
  std::optional<Steps> steps;
  // Counts only as far as the others that are active leave room.
  bool is_default = false;

  std::size_t value_bytes() const {
    return sizeof(*this) + (concat ? concat->value_bytes() : 0) +
           static_cast<std::size_t>(states.elements() + pooled.elements()) * sizeof(float);
  }
};

struct Conditioning {
  std::vector<Condition> entries;

  std::size_t value_bytes() const {
    std::size_t total = sizeof(*this);
    for (const Condition& entry : entries) total += entry.value_bytes();
    return total;
  }
};

}  // namespace obscura::pipeline
