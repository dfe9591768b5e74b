// A request of AUTOMATIC1111's for images, once it is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace obscura::workflows {

struct A1111Lora {
  std::string name;  // of the file, as workflows write it
  double unet = 1, text_encoder = 1;
};

// Another checkpoint that goes on from a part of the steps; in the hires fix, if there is one.
struct A1111Refiner {
  std::string checkpoint;
  double switch_at = 0.8;
};

struct A1111HiRes {
  std::string method;  // of LatentUpscale, or of ImageScale
  bool latent = true;
  int width = 0, height = 0, steps = 0;
  std::string prompt, negative, sampler, scheduler;
};

// A part of an image, in pixels.
struct A1111Box {
  int x = 0, y = 0, width = 0, height = 0;
};

// What an image is made from.
struct A1111Start {
  std::string image;  // in the input folder
  int resize_mode = 0;
  std::string mask;  // empty: none
  bool invert = false;
  // What the masked part begins as: colours from around it, itself, noise, nothing.
  enum class Content { kFill, kOriginal, kLatentNoise, kLatentNothing };
  Content content = Content::kOriginal;
  std::string filled;  // the image with colours from around, for kFill
  int blur = 4;
  // Only the part of the image around what the mask shows.
  std::optional<A1111Box> crop;
};

// What a request for images comes to, before it is a workflow.
struct A1111Job {
  std::string prompt, negative;  // without the tags of LoRAs
  std::string checkpoint, sampler, scheduler;
  std::vector<A1111Lora> loras;
  std::uint64_t seed = 0;
  int steps = 50, width = 512, height = 512, batch_size = 1, n_iter = 1, clip_skip = 1;
  double cfg = 7, denoise = 1;
  bool save = false;
  // Prompts are read as A1111 reads them, by WebUIPrompt, not as ComfyUI does.
  bool web_ui_prompts = false;
  std::vector<std::string> styles;  // their names; with web_ui_prompts alone
  std::string vae;                  // empty: the checkpoint's

  // Variation: so much of a second seed's noise; images then share the first seed.
  std::uint64_t subseed = 0;
  double subseed_strength = 0;
  // Noise as an NVIDIA GPU draws it; what is added to the seed for ancestral noise.
  bool nvidia_noise = false;
  int eta_seed_delta = 0;

  std::optional<A1111Refiner> refiner;
  std::optional<A1111HiRes> hires;
  std::optional<A1111Start> start;
};

}  // namespace obscura::workflows
