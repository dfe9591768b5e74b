// /sdapi/v1/txt2img and img2img, what an image was made with, and how far the running one is.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "server/a1111/images.h"
#include "server/a1111/options.h"
#include "server/a1111/progress.h"
#include "server/a1111/routes.h"
#include "server/a1111/run.h"
#include "server/jobs/job_id.h"
#include "server/net/text.h"
#include "workflows/a1111_fields.h"
#include "workflows/a1111_infotext.h"
#include "workflows/a1111_request.h"
#include "workflows/a1111_workflow.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

std::string parameters_in(const ordered_json& texts) {
  auto found = texts.find("parameters");
  return texts.is_object() && found != texts.end() && found->is_string() ? *found : "";
}

ordered_json info_of(const workflows::A1111Job& job, const ordered_json& body,
                     const std::vector<A1111Image>& images, const std::string& version) {
  auto given = [&](const char* name) -> std::string {
    auto found = body.find(name);
    return found != body.end() && found->is_string() ? *found : "";
  };
  ordered_json seeds = ordered_json::array(), prompts = seeds, negatives = seeds, infotexts = seeds,
               subseeds = seeds;
  for (std::size_t i = 0; i < images.size(); ++i) {
    seeds.push_back(job.seed + (job.subseed_strength > 0 ? 0 : i));
    subseeds.push_back(job.subseed + i);
    prompts.push_back(given("prompt"));
    negatives.push_back(given("negative_prompt"));
    infotexts.push_back(parameters_in(images[i].texts));
  }
  return {{"prompt", given("prompt")},
          {"all_prompts", prompts},
          {"negative_prompt", given("negative_prompt")},
          {"all_negative_prompts", negatives},
          {"seed", job.seed},
          {"all_seeds", seeds},
          {"subseed", job.subseed},
          {"all_subseeds", subseeds},
          {"subseed_strength", job.subseed_strength},
          {"styles", job.styles},
          {"width", job.width},
          {"height", job.height},
          {"sampler_name", job.sampler},
          {"cfg_scale", job.cfg},
          {"steps", job.steps},
          {"batch_size", job.batch_size},
          {"restore_faces", false},
          {"sd_model_name", std::filesystem::path(job.checkpoint).stem().string()},
          {"sd_model_hash", ""},
          {"sd_vae_name", nullptr},
          {"sd_vae_hash", nullptr},
          {"denoising_strength", job.start || job.hires ? ordered_json(job.denoise) : nullptr},
          {"extra_generation_params", ordered_json::object()},
          {"index_of_first_image", 0},
          {"infotexts", infotexts},
          {"styles", ordered_json::array()},
          {"clip_skip", job.clip_skip},
          {"is_using_inpainting_conditioning", false},
          {"version", "Obscura " + version}};
}

// What the request asked for, with what stands for the rest.
ordered_json parameters_of(const workflows::A1111Job& job, ordered_json body, bool img2img) {
  ordered_json parameters = {{"prompt", ""},
                             {"negative_prompt", ""},
                             {"seed", -1},
                             {"sampler_name", nullptr},
                             {"scheduler", nullptr},
                             {"batch_size", job.batch_size},
                             {"n_iter", job.n_iter},
                             {"steps", job.steps},
                             {"cfg_scale", job.cfg},
                             {"width", job.width},
                             {"height", job.height},
                             {"denoising_strength", job.denoise},
                             {"send_images", true},
                             {"save_images", job.save},
                             {"override_settings", ordered_json::object()},
                             {"alwayson_scripts", ordered_json::object()}};
  const bool keep = body.value("include_init_images", ordered_json(false)) == true;
  parameters.update(body);
  if (img2img && !keep) parameters["init_images"] = parameters["mask"] = nullptr;
  return parameters;
}

Result<workflows::A1111Job> job_of(const ServiceParts& parts, const Request& request,
                                   const ordered_json& body, bool img2img) {
  const std::string& project = request.caller.project;
  OBSCURA_ASSIGN(const ordered_json options, a1111_options(parts, project));
  const workflows::A1111Names names = a1111_names(parts, project);
  if (!img2img) return workflows::parse_a1111_text_to_image(names, body, options);
  RequestImages images(parts, project);
  return workflows::parse_a1111_image_to_image(names, body, options, images);
}

Response make_images(ServiceParts& parts, const Request& request, bool img2img) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto job = job_of(parts, request, *body, img2img);
  if (!job.ok()) return a1111_error(job.error());
  return run_a1111(parts, request, workflows::a1111_workflow(*job),
                   [&parts, job = *job, body = *body, img2img](const store::Job& over) {
                     std::vector<A1111Image> made;
                     // An interrupted job has none, as in A1111.
                     if (over.state == store::JobState::kDone) {
                       auto found = a1111_images(parts, over);
                       if (!found.ok()) return a1111_error(found.error());
                       made = std::move(found).value();
                     }
                     ordered_json images = ordered_json::array();
                     const bool send = body.value("send_images", ordered_json(true)) != false;
                     for (const A1111Image& image : made)
                       if (send) images.push_back(encode_base64(image.bytes));
                     const ordered_json info = info_of(job, body, made, parts.studio.version());
                     return respond({{"images", std::move(images)},
                                     {"parameters", parameters_of(job, body, img2img)},
                                     {"info", info.dump(-1, ' ', false,
                                                        ordered_json::error_handler_t::replace)}});
                   });
}

Response png_info(ServiceParts& parts, const Request& request) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto image = body->find("image");
  if (image == body->end() || !image->is_string()) {
    return a1111_error(422, "image: wanted base64");
  }
  auto bytes = workflows::a1111_image(image->get_ref<const std::string&>());
  if (!bytes.ok()) return a1111_error(bytes.error());
  auto texts = parts.studio.image_texts(*bytes);
  if (!texts.ok()) return a1111_error(texts.error());
  const std::string infotext = parameters_in(*texts);
  ordered_json answer = {{"info", infotext},
                         {"items", *texts},
                         {"parameters", workflows::a1111_read_infotext(infotext)}};
  // What A1111 does not answer: the workflow that the parameters come to, for a page to open.
  workflows::A1111Names names = a1111_names(parts, request.caller.project);
  names.keep_unknown_models = true;
  if (auto workflow = workflows::a1111_workflow_of(infotext, std::move(names)); workflow.ok()) {
    answer["workflow"] = std::move(workflow->prompt);
    answer["left_out"] = std::move(workflow->left_out);
  }
  return respond(answer);
}

Response get_progress(ServiceParts& parts, const Request& request) {
  A1111Progress state;
  state.remaining = parts.jobs.remaining(request.caller.project);
  const std::string* skip = request.parameter("skip_current_image");
  state.with_image = skip == nullptr || *skip != "true";
  const auto running = parts.queue.running();
  if (running && running->project() == request.caller.project) {
    state.job = running->id();
    state.running_ms = now_ms() - running->started_ms();
    state.progress = running->progress_so_far();
  }
  return respond(a1111_progress(state));
}

}  // namespace

void add_a1111_image_routes(Router& router, ServiceParts& parts) {
  for (const bool img2img : {false, true}) {
    router.add("POST", img2img ? "/sdapi/v1/img2img" : "/sdapi/v1/txt2img",
               [&parts, img2img](const Request& request, const Captures&) {
                 return make_images(parts, request, img2img);
               });
  }
  router.add("POST", "/sdapi/v1/png-info", [&parts](const Request& request, const Captures&) {
    return png_info(parts, request);
  });
  router.add("GET", "/sdapi/v1/progress", [&parts](const Request& request, const Captures&) {
    return get_progress(parts, request);
  });
  for (const char* path : {"/sdapi/v1/interrupt", "/sdapi/v1/skip"}) {
    router.add("POST", path, [&parts](const Request& request, const Captures&) {
      parts.queue.interrupt(request.caller.project, std::nullopt);
      return respond(ordered_json::object());
    });
  }
}

}  // namespace obscura::server
