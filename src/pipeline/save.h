// Writes models as safetensors files, with all that was put on them merged in.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "io/safetensors.h"
#include "pipeline/model.h"

namespace obscura::pipeline {

// Networks under the names that Stability AI's and ComfyUI's files have: any of them may be null.
struct SavedNetworks {
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const TextEncoders> text;
  std::shared_ptr<const Vae> vae;
};

// `modelspec.*` entries (https://github.com/Stability-AI/ModelSpec) for what is saved: its
// architecture, what it predicts, and `title`.
io::SafetensorsMetadata model_spec(const SavedNetworks& networks, std::string_view title);

// Each tensor in the type that it is stored in; packed and 8-bit types become float16. Whole or not
// at all. One tensor at a time is in memory.
Status save(const std::filesystem::path& path, const SavedNetworks& networks,
            const io::SafetensorsMetadata& metadata, const CancelToken& cancel);

}  // namespace obscura::pipeline
