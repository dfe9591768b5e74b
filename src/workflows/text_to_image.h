// The workflow of `obscura txt2img`: a prompt to images, with ComfyUI's nodes alone, but for the
// seeds of a batch.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace obscura::workflows {

struct TextToImage {
  std::string prompt, negative, model, sampler = "euler", scheduler = "normal";
  int width = 0, height = 0;  // pixels
  int steps = 20, batch_size = 1;
  double cfg = 7;
  std::uint64_t seed = 0;  // of the first image; those of a batch count up
  std::string prefix;      // of the files' names
};

// In API form.
nlohmann::ordered_json text_to_image_workflow(const TextToImage& wanted);

}  // namespace obscura::workflows
