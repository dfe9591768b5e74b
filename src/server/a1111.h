// AUTOMATIC1111's API, /sdapi/v1: a request becomes a workflow of ComfyUI's nodes, goes through the
// queue as any other job, and stays in the history, from where the editor can open it.
//
// Names of fields and what they mean follow A1111 1.10. What a request asks for and this program
// does not have is refused with 422 and its name, never left out in silence. What differs: noise is
// made on the CPU (A1111's default is the GPU's generator), emphasis in prompts is weighted as in
// ComfyUI, and "masked content" other than "original" begins with neutral gray below the mask.
#pragma once

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
    bool invert = false, original_content = true;
    int blur = 4;
    // Only the part of the picture around what the mask shows.
    std::optional<PictureBox> crop;
  };
  std::optional<Start> start;
};

// The workflow, in API form. Pictures come out of its output nodes in the order of their ids.
nlohmann::ordered_json a1111_workflow(const A1111Job& job);

// kInvalidInput names the field. Uploads are stored in the project's input folder.
Result<A1111Job> parse_a1111(Api& api, const Request& request, const nlohmann::ordered_json& body,
                             bool img2img);

// The settings of the project that somebody has set, over the defaults.
Result<nlohmann::ordered_json> a1111_options(Api& api, const std::string& project);

// Base64, with or without "data:image/png;base64," before it. kInvalidInput for anything else, an
// address included: nothing is ever fetched.
Result<std::string> a1111_picture(const std::string& text);

// The keys and values of a picture's "parameters"; empty if it is none.
nlohmann::ordered_json a1111_read_infotext(const std::string& infotext);

}  // namespace obscura::server
