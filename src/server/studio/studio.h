// What the service asks the program around it, so that it knows no tensor, device or model.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "graph/environment.h"
#include "graph/node_registry.h"
#include "graph/observer.h"
#include "graph/validate.h"

namespace obscura::server {

struct JobToRun {
  std::string project;
  graph::Validation workflow;  // runnable; of the studio's nodes
  nlohmann::ordered_json extra_pnginfo = nlohmann::ordered_json::object();
  bool previews = true;  // wanted, if somebody looks
};

// What a job will hold of the device's memory at most, and may hold; in bytes.
struct MemoryPlan {
  std::int64_t peak = 0, budget = 0;
};

struct ModelEntry {
  std::string name;                           // as workflows write it
  std::optional<std::filesystem::path> path;  // none: inside the program
};

// A prompt to be added to others, under a name.
struct PromptStyle {
  std::string name, prompt, negative;
};

// How an image is to be shown.
struct ImageRequest {
  std::string_view format = "webp";   // "webp", "jpeg" or "png"
  int quality = 90;                   // of the first two
  int side = 0;                       // at most so many pixels a side; 0: as it is
  std::string_view channel = "rgba";  // "rgb": without alpha; "a": alpha alone
};

// A part of an image, in pixels.
struct ImageBox {
  int x = 0, y = 0, width = 0, height = 0;
};

struct MaskBoxRequest {
  bool invert = false;
  int padding = 0;    // pixels more on each side
  double aspect = 1;  // width by height that the box is grown to, as far as the image goes
};

// Facts for clients. A project that is asked about exists. Thread safe.
class Studio {
 public:
  virtual ~Studio() = default;

  virtual const graph::NodeRegistry& nodes() const = 0;
  // What validation and lists of choices look things up in.
  virtual const graph::Environment& environment(const std::string& project) const = 0;

  virtual std::string version() const = 0;
  // "checkpoints", "loras", …
  virtual std::vector<std::string> model_kinds() const = 0;
  // REQUIRES: one of model_kinds().
  virtual std::vector<ModelEntry> models(const std::string& project,
                                         std::string_view kind) const = 0;
  // kInvalidInput unless a file of this name can be a model of this kind, by its ending.
  // REQUIRES: one of model_kinds().
  virtual Status check_model_name(std::string_view kind, std::string_view name) const = 0;
  // What a file is, in a few words: "SDXL base". An error if it is no model of this kind.
  // REQUIRES: one of model_kinds().
  virtual Result<std::string> inspect_model(std::string_view kind,
                                            const std::filesystem::path& file) const = 0;
  // A safetensors file's `__metadata__`.
  virtual Result<nlohmann::json> model_metadata(const std::string& project, std::string_view kind,
                                                std::string_view name) const = 0;
  // The SHA-256 of a model that was used just now; empty if it is not known.
  virtual std::string model_digest(const std::string& project, const std::string& name) const = 0;
  // Plans all that the job would run, and runs none of it. An error says why there can be no plan.
  virtual Result<MemoryPlan> plan_memory(const JobToRun& job, const CancelToken& cancel) const = 0;
  // ComfyUI's: [{name, type, index, vram_total, vram_free, torch_vram_total, torch_vram_free}].
  virtual nlohmann::ordered_json devices() const = 0;
  // A PNG of `image`'s colours and texts with the alpha channel of `mask`; both are files' bytes.
  virtual Result<std::string> with_alpha(std::string_view image, std::string_view mask) const = 0;
  // An image's bytes in another format or size. kInvalidInput if they are no image.
  virtual Result<std::string> convert(std::string_view image,
                                      const ImageRequest& request) const = 0;
  // A PNG of `image` where what the mask shows in its red channel (or does not, if inverted) is
  // filled with colours from around; the mask may have another size.
  virtual Result<std::string> fill_masked(std::string_view image, std::string_view mask,
                                          bool invert) const = 0;
  // Those of AUTOMATIC1111's styles.csv in the project's input folder; none without it.
  virtual std::vector<PromptStyle> prompt_styles(const std::string& project) const = 0;
  // The texts that an image carries: {"prompt": "…", "parameters": "…"}.
  virtual Result<nlohmann::ordered_json> image_texts(std::string_view image) const = 0;
  // The box around what a mask shows in its red channel; kInvalidInput if it shows nothing.
  virtual Result<ImageBox> mask_box(std::string_view mask, const MaskBoxRequest& request) const = 0;
};

}  // namespace obscura::server
