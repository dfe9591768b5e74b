// The families of diffusion models, one row each: all that a family's files do not tell by their
// tensors. Nothing else in the program lists families or repeats their numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/network_kind.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"

namespace obscura::checkpoint {

// A text encoder as a family uses it.
struct FamilyEncoder {
  const NetworkKind* kind = nullptr;
  std::string_view prefix;           // of its tensors in a whole checkpoint
  models::TextEncoderConfig config;  // without what only a file tells
  std::int32_t pad_token = 0;
  bool pooled = false;             // its pooled state begins the label
  bool reads_second_text = false;  // of the two that SDXL's prompt nodes take
  // Adapter files name encoders by their place: 1 ("te", "te1") or 2 ("te2").
  int adapter_place = 1;
  // Adapter files have no names for it: it answers to those of another.
  bool borrows_adapter_names = false;
  // A file with this many layers lacks the last, which the family does not use; 0: none does.
  int layers_without_last = 0;

  // With what the file's own tensors add.
  models::TextEncoderConfig config_for(const ir::WeightIndex& encoder) const;
};

// What follows the pooled text state in the label "y": numbers, each as so many sinusoids.
struct LabelRule {
  int numbers = 0;         // 0: the network takes no label
  bool has_score = false;  // the last one is an aesthetic score in place of the target size

  static constexpr std::int64_t kFeatures = 256;  // a number
  std::int64_t features() const { return numbers * kFeatures; }
};

// Stable Diffusion 1's. ComfyUI's numbers.
inline constexpr std::array<float, 4> kGreyOfSd = {0.8223f, -0.6876f, 0.6364f, 0.1380f};

// What a VAE makes of an image.
struct LatentSpace {
  std::int64_t channels = 4;
  std::int64_t pixels = 8;  // of an image, along each side of one of a latent
  float scale = 1;          // latents are multiplied by this before they are noised
  // Of a grey image, which is what an image that is masked everywhere shows: one a channel.
  std::span<const float> grey = kGreyOfSd;
};

// SDXL's, and those of latents that come without a model, as an empty one does.
inline constexpr LatentSpace kUsualLatents{.scale = 0.13025f};

// The sigmas of training: scaled-linear betas.
struct BetaRange {
  double first = 0.00085, last = 0.012;
};

// A bias whose spread tells a model that predicts velocity, where files carry no mark.
struct VelocityMark {
  std::string_view bias;
  double least_deviation = 0;
};

// Of a U-Net's tensors, what tells families apart.
struct UNetTraits {
  std::int64_t context = 0, label = 0;   // widths
  bool projects_by_convolution = false;  // into its transformers
  std::int64_t latent_channels = 0;      // of what it predicts
};

struct Family {
  std::string_view name;                           // "SDXL base"
  std::string_view made_for;                       // of its adapters: "SDXL"
  std::int64_t context = 0;                        // width of the published model's text states
  bool (*owns)(const UNetTraits& unet) = nullptr;  // of those that have its latents' channels
  // In the order in which their states stand side by side.
  std::vector<FamilyEncoder> encoders;
  int text_layer = -1;  // whose state is taken: -1 is the last
  LabelRule label;
  nn::Heads heads;  // of the U-Net
  LatentSpace latents;
  BetaRange betas;
  std::optional<VelocityMark> velocity;
  std::string_view tiny_vae;  // the TAESD of its latents
  // https://github.com/Stability-AI/ModelSpec; the second of a model that predicts velocity.
  std::string_view model_spec, model_spec_of_velocity;

  const FamilyEncoder* encoder(const NetworkKind& kind) const;
};

// Those with more encoders first.
std::span<const Family> families();
// What is wanted where a file is none of theirs: "SDXL, …, Stable Diffusion 2 or Stable Diffusion
// 1".
std::string family_names();
// nullptr if no family has such a U-Net.
const Family* family_of(const UNetTraits& unet);
// The first all of whose encoders are among `kinds`; nullptr if there is none.
const Family* family_of_encoders(std::span<const NetworkKind* const> kinds);
// The first that has so many encoders; nullptr if there is none.
const Family* family_with_encoders(std::size_t count);
// "SDXL", by the width of the text states that a network or adapter takes; empty for another width.
std::string_view family_of_context(std::int64_t width);

// Any family reads prompts by it.
bool is_text_encoder(const NetworkKind& kind);

}  // namespace obscura::checkpoint
