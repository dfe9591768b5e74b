// What a model file says about how it wants to be used.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "library/model_folders.h"

namespace obscura::app {

// Fills `models` with these roots, or the default ones if there are none, and the pocket model.
void open_model_folders(library::ModelFolders& models,
                        const std::vector<std::filesystem::path>& roots);

// modelspec.resolution of a checkpoint's metadata (https://github.com/Stability-AI/ModelSpec), such
// as "1024x1024"; SDXL's own 1024x1024 where the file does not say.
Result<std::string> trained_size(const std::vector<std::filesystem::path>& roots,
                                 const std::string& name);

}  // namespace obscura::app
