// AUTOMATIC1111's API, /sdapi/v1: a request becomes a workflow of ComfyUI's nodes, goes through the
// queue as any other job, and stays in the history, from where the editor can open it.
//
// Names of fields and what they mean follow A1111 1.10. What a request asks for and this program
// does not have is refused with 422 and its name, never left out in silence. What differs: noise is
// made on the CPU unless the option randn_source says NV or GPU (A1111's default is the GPU's
// generator), and "masked content: fill" takes its colours from a pyramid, not from blurs.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/api.h"
#include "server/router.h"

namespace obscura::server {

void add_a1111_routes(Router& router, Api& api);

// A sampler by A1111's name and by ours, and the schedule that A1111 gives it unless told.
struct A1111Sampler {
  std::string_view name, own, automatic_schedule;
};
struct A1111Schedule {
  std::string_view name, own, label;
};
// Those that this program's KSampler offers.
std::vector<A1111Sampler> a1111_samplers(const graph::NodeRegistry& nodes);
std::vector<A1111Schedule> a1111_schedules(const graph::NodeRegistry& nodes);

struct A1111Lora {
  std::string name;  // of the file, as workflows write it
  double unet = 1, text_encoder = 1;
};

// What a request for pictures comes to, before it is a workflow.
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

  // Variation: so much of a second seed's noise; pictures then share the first seed.
  std::uint64_t subseed = 0;
  double subseed_strength = 0;
  // Noise as an NVIDIA GPU draws it; what is added to the seed for ancestral noise.
  bool nvidia_noise = false;
  int eta_seed_delta = 0;

  // Another checkpoint that goes on from a part of the steps; in the second pass, if there is one.
  struct Refiner {
    std::string checkpoint;
    double switch_at = 0.8;
  };
  std::optional<Refiner> refiner;

  struct HiRes {
    std::string method;  // of LatentUpscale, or of ImageScale
    bool latent = true;
    int width = 0, height = 0, steps = 0;
    std::string prompt, negative, sampler, scheduler;
  };
  std::optional<HiRes> hires;

  struct Start {
    std::string image;  // in the input folder
    int resize_mode = 0;
    std::string mask;  // empty: none
    bool invert = false;
    // What the masked part begins as: colours from around it, itself, noise, nothing.
    enum class Content { kFill, kOriginal, kLatentNoise, kLatentNothing };
    Content content = Content::kOriginal;
    std::string filled;  // the picture with colours from around, for kFill
    int blur = 4;
    // Only the part of the picture around what the mask shows.
    std::optional<PictureBox> crop;
  };
  std::optional<Start> start;
};

// The workflow, in API form. Pictures come out of its output nodes in the order of their ids.
nlohmann::ordered_json a1111_workflow(const A1111Job& job);

// What names of models and samplers are looked up in.
struct A1111Names {
  const graph::NodeRegistry& nodes;
  std::function<std::vector<std::string>(const char* kind)> models;  // "checkpoints", "loras"
  // A model that is not there stays as it is named, for validation to say so where the workflow may
  // still be changed.
  bool keep_unknown_models = false;
  std::vector<std::string> styles;
};
A1111Names a1111_names(Api& api, const std::string& project);
std::vector<std::string> a1111_style_names(const Api& api, const std::string& project);
// A request for txt2img; `settings` are those of a1111_options(). kInvalidInput names the field.
Result<A1111Job> parse_a1111_text_to_image(const A1111Names& names,
                                           const nlohmann::ordered_json& body,
                                           const nlohmann::ordered_json& settings);

// kInvalidInput names the field. Uploads are stored in the project's input folder.
Result<A1111Job> parse_a1111(Api& api, const Request& request, const nlohmann::ordered_json& body,
                             bool img2img);

// The settings of the project that somebody has set, over the defaults.
Result<nlohmann::ordered_json> a1111_options(Api& api, const std::string& project);

// Base64, with or without "data:image/png;base64," before it. kInvalidInput for anything else, an
// address included: nothing is ever fetched.
Result<std::string> a1111_picture(const std::string& text);

// The keys and values of a picture's "parameters", and the two prompts as "Prompt" and "Negative
// prompt"; empty if it is none.
nlohmann::ordered_json a1111_read_infotext(const std::string& infotext);

// A picture's "parameters" as the request that would make it again.
struct A1111Recipe {
  nlohmann::ordered_json request;     // of txt2img
  std::vector<std::string> left_out;  // what it also says and no request holds: "RNG: GPU"
};
// kInvalidInput if the text is none of AUTOMATIC1111's.
Result<A1111Recipe> a1111_recipe(const std::string& infotext);

// The same as a workflow, in API form.
struct A1111Workflow {
  nlohmann::ordered_json prompt;
  std::vector<std::string> left_out;
};
Result<A1111Workflow> a1111_workflow_of(const std::string& infotext, A1111Names names);

}  // namespace obscura::server
