// Writes the difference of two models as a LoRA.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/cancel.h"
#include "base/result.h"
#include "io/safetensors.h"
#include "pipeline/model.h"

namespace obscura::pipeline {

// Differences, as mixed() makes them; either may be null.
struct Differences {
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const TextEncoders> text;
};

struct LoraOptions {
  std::int64_t rank = 8;  // at most; smaller matrices have their own
  bool whole = false;     // every difference as it is, of no rank
  bool biases = true;     // those of biases and norms too
};

// In ComfyUI's names and in float16. `progress` is told how many of how many modules are done.
// kInvalidInput if there is nothing to write, or the text encoder is Stable Diffusion 2's, which
// adapters have no names for.
Status save_lora(const std::filesystem::path& path, const Differences& differences,
                 const LoraOptions& options, const io::SafetensorsMetadata& metadata,
                 const CancelToken& cancel,
                 const std::function<void(std::int64_t done, std::int64_t all)>& progress);

}  // namespace obscura::pipeline
