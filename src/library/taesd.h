// TAESD among the model files: a decoder and an encoder in the folder vae_approx, by the names that
// ComfyUI gives them ("taesdxl_decoder.safetensors").
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/family.h"
#include "library/model_folders.h"
#include "pipeline/model.h"

namespace obscura::library {

// What images of a render in progress are made with.
enum class PreviewMethod {
  kAuto,        // TAESD where it is there, else the latent's own colours
  kLatent2Rgb,  // the latent's own colours
  kTaesd,       // as kAuto: without its files there is nothing sharper
  kNone,
};

// "auto", "latent2rgb", "taesd", "none".
std::optional<PreviewMethod> preview_method_from_name(std::string_view name);

// Those that have both halves among the files: choices of VAELoader.
std::vector<std::string> taesd_names(const ModelFolders& folders);
bool is_taesd(std::string_view vae_name);

// The names of its files, those that are there; none if `vae_name` is another VAE.
std::vector<std::string> taesd_files(const ModelFolders& folders, std::string_view vae_name);

// The files' identities, as ModelFolders::identity. kNotFound naming the half that is missing.
Result<std::string> taesd_identity(const ModelFolders& folders, std::string_view name);
Result<std::shared_ptr<const pipeline::Vae>> open_taesd(ModelFolders& folders,
                                                        std::string_view name);
// The decoder of the family's one; null if it is not there.
Result<std::shared_ptr<const pipeline::Vae>> taesd_for_previews(ModelFolders& folders,
                                                                const checkpoint::Family& family);

}  // namespace obscura::library
