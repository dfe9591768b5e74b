#include "workflows/a1111_workflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "workflows/workflow_builder.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

class A1111Writer {
 public:
  explicit A1111Writer(const A1111Job& job) : job_(job) {}

  ordered_json write() {
    load();
    if (job_.start) read_images();
    // Variations of one seed are made one by one: VariationNoise counts both seeds up.
    const int each = varied() ? 1 : job_.batch_size;
    for (int i = 0; i < job_.n_iter * job_.batch_size; i += each) {
      const Seeds seeds{job_.seed + static_cast<std::uint64_t>(varied() ? 0 : i),
                        job_.subseed + static_cast<std::uint64_t>(i)};
      const Output latent = sample(first_latent(seeds, each), seeds);
      save(job_.hires ? enlarge(latent, seeds) : finish(decode(latent)));
    }
    return nodes_.take();
  }

 private:
  struct Seeds {
    std::uint64_t seed, subseed;
  };
  // What networks and prompts come to, for a sampler.
  struct Side {
    Output model, clip, positive, negative;
  };

  bool varied() const { return job_.subseed_strength > 0; }
  // What KSampler does not have.
  bool needs_custom_sampler() const {
    return varied() || job_.nvidia_noise || job_.eta_seed_delta != 0 || job_.refiner;
  }

  void load() {
    const Output checkpoint =
        nodes_.add("CheckpointLoaderSimple", {{"ckpt_name", job_.checkpoint}});
    model_ = checkpoint;
    clip_ = checkpoint.other(1);
    vae_ =
        job_.vae.empty() ? checkpoint.other(2) : nodes_.add("VAELoader", {{"vae_name", job_.vae}});
    for (const A1111Lora& lora : job_.loras) {
      model_ = nodes_.add("LoraLoader", {{"model", model_},
                                         {"clip", clip_},
                                         {"lora_name", lora.name},
                                         {"strength_model", lora.unet},
                                         {"strength_clip", lora.text_encoder}});
      clip_ = model_.other(1);
    }
    if (job_.clip_skip > 1) {
      clip_ = nodes_.add("CLIPSetLastLayer",
                         {{"clip", clip_}, {"stop_at_clip_layer", -job_.clip_skip}});
    }
    positive_ = encode(job_.prompt, "Prompt", "positive");
    negative_ = encode(job_.negative, "Negative prompt", "negative");
  }

  // The refiner reads the same prompts, by its own text encoders.
  const Side& refiner() {
    if (refiner_) return *refiner_;
    const Output checkpoint =
        nodes_.add("CheckpointLoaderSimple", {{"ckpt_name", job_.refiner->checkpoint}}, "Refiner");
    Side own{checkpoint, checkpoint.other(1), {}, {}};
    std::swap(model_, own.model);
    std::swap(clip_, own.clip);
    own.positive = encode(job_.prompt, "Refiner's prompt", "positive");
    own.negative = encode(job_.negative, "Refiner's negative prompt", "negative");
    std::swap(model_, own.model);
    std::swap(clip_, own.clip);
    return refiner_.emplace(own);
  }

  Output encode(const std::string& text, const char* title, const char* side) {
    if (!job_.web_ui_prompts)
      return nodes_.add("CLIPTextEncode", {{"text", text}, {"clip", clip_}}, title);
    const Output prompt = nodes_.add("WebUIPrompt",
                                     {{"model", model_},
                                      {"clip", clip_},
                                      {"text", text},
                                      {"steps", job_.steps},
                                      {"side", side},
                                      {"emphasis", "original"},
                                      {"styles", fmt::format("{}", fmt::join(job_.styles, ", "))},
                                      {"seed", job_.seed}},
                                     title);
    return prompt.other(2);
  }

  Output scale(const Output& image, int width, int height, const char* crop = "disabled") {
    return nodes_.add("ImageScale", {{"image", image},
                                     {"upscale_method", "lanczos"},
                                     {"width", width},
                                     {"height", height},
                                     {"crop", crop}});
  }

  Output cut(const Output& image, const A1111Box& box) {
    return nodes_.add("ImageCrop", {{"image", image},
                                    {"width", box.width},
                                    {"height", box.height},
                                    {"x", box.x},
                                    {"y", box.y}});
  }

  // To the size asked for: stretched, cropped or padded.
  Output fit(const Output& image) {
    const int mode = job_.start->resize_mode;
    if (mode == 2) {
      return nodes_.add("ResizeAndPadImage", {{"image", image},
                                              {"target_width", job_.width},
                                              {"target_height", job_.height},
                                              {"padding_color", "black"},
                                              {"interpolation", "lanczos"}});
    }
    return scale(image, job_.width, job_.height, mode == 1 ? "center" : "disabled");
  }

  void read_images() {
    const A1111Start& start = *job_.start;
    auto sized = [&](const Output& image) {
      return start.crop ? scale(cut(image, *start.crop), job_.width, job_.height) : fit(image);
    };
    whole_ = nodes_.add("LoadImage", {{"image", start.image}}, "Image to change");
    begin_ = image_ = sized(whole_);
    if (start.mask.empty()) return;
    if (!start.filled.empty()) {
      begin_ = sized(nodes_.add("LoadImage", {{"image", start.filled}}, "With the mask filled"));
    }
    Output mask = nodes_.add("LoadImageMask", {{"image", start.mask}, {"channel", "red"}},
                             "White where it changes");
    if (start.invert) mask = nodes_.add("InvertMask", {{"mask", mask}});
    Output image = nodes_.add("MaskToImage", {{"mask", mask}});
    if (!start.crop) image = fit(image);
    if (start.blur > 0) {
      image = nodes_.add("ImageBlur", {{"image", image},
                                       {"blur_radius", std::min(31, start.blur * 5 / 2)},
                                       {"sigma", std::min(10.0, double{1} * start.blur)}});
    }
    whole_mask_ = to_mask(image);
    mask_ =
        start.crop ? to_mask(scale(cut(image, *start.crop), job_.width, job_.height)) : whole_mask_;
  }

  Output to_mask(const Output& image) {
    return nodes_.add("ImageToMask", {{"image", image}, {"channel", "red"}});
  }

  Output first_latent(const Seeds& seeds, int count) {
    Output latent;
    if (!job_.start) {
      latent = empty_latent(count);
    } else {
      latent = nodes_.add("VAEEncode", {{"pixels", begin_}, {"vae", vae_}});
      if (!mask_.id.empty()) latent = masked(latent, seeds);
      if (count > 1) {
        latent = nodes_.add("RepeatLatentBatch", {{"samples", latent}, {"amount", count}});
      }
    }
    return seeded(latent, seeds.seed);
  }

  Output empty_latent(int count) {
    return nodes_.add("EmptyLatentImage",
                      {{"width", job_.width}, {"height", job_.height}, {"batch_size", count}});
  }

  // The latent, with what the masked part begins as.
  Output masked(Output latent, const Seeds& seeds) {
    const A1111Start::Content content = job_.start->content;
    if (content == A1111Start::Content::kLatentNoise ||
        content == A1111Start::Content::kLatentNothing) {
      Output source = empty_latent(1);
      if (content == A1111Start::Content::kLatentNoise) {
        // Of a deviation of one: from the level 1 to 0.
        const Output sigmas =
            nodes_.add("SetFirstSigma", {{"sigmas", levels("normal", 1, 1.0)}, {"sigma", 1.0}});
        source = nodes_.add("AddNoise", {{"model", model_},
                                         {"noise", noise(seeds)},
                                         {"sigmas", sigmas},
                                         {"latent_image", source}});
      }
      latent = nodes_.add("LatentCompositeMasked", {{"destination", latent},
                                                    {"source", source},
                                                    {"x", 0},
                                                    {"y", 0},
                                                    {"resize_source", false},
                                                    {"mask", mask_}});
    }
    return nodes_.add("SetLatentNoiseMask", {{"samples", latent}, {"mask", mask_}});
  }

  // Each image of a batch has a seed of its own, as in A1111.
  Output seeded(const Output& latent, std::uint64_t seed) {
    if (job_.batch_size == 1 || needs_custom_sampler()) return latent;
    return nodes_.add("LatentSeeds", {{"samples", latent}, {"seeds", std::to_string(seed)}});
  }

  Output sample(const Output& latent, const Seeds& seeds) {
    // A1111 makes a part of the steps where an image is there to begin with.
    const int steps =
        job_.start ? std::max(1, static_cast<int>(job_.steps * job_.denoise)) : job_.steps;
    return sample_with(latent, seeds, steps, job_.start ? job_.denoise : 1.0, job_.sampler,
                       job_.scheduler, positive_, negative_, !job_.hires);
  }

  Output sample_with(const Output& latent, const Seeds& seeds, int steps, double denoise,
                     const std::string& sampler, const std::string& scheduler,
                     const Output& positive, const Output& negative, bool last_pass) {
    // WebUIPrompt's model follows how the prompt's parts are joined.
    const Output model = job_.web_ui_prompts ? positive.other(0) : model_;
    if (!needs_custom_sampler()) {
      return nodes_.add("KSampler", {{"model", model},
                                     {"seed", seeds.seed},
                                     {"steps", steps},
                                     {"cfg", job_.cfg},
                                     {"sampler_name", sampler},
                                     {"scheduler", scheduler},
                                     {"positive", positive},
                                     {"negative", negative},
                                     {"latent_image", latent},
                                     {"denoise", denoise}});
    }
    const Output method = nodes_.add("KSamplerSelect", {{"sampler_name", sampler}});
    const Output sigmas = levels(scheduler, steps, denoise);
    const Output start_noise = noise(seeds);
    const Output guide = guider(model, positive, negative);
    const int first = job_.refiner && last_pass
                          ? static_cast<int>(std::ceil(steps * job_.refiner->switch_at))
                          : steps;
    if (first >= steps) return custom_sampler(start_noise, guide, method, sigmas, latent);
    const Side& own = refiner();
    const Output second =
        guider(job_.web_ui_prompts ? own.positive.other(0) : own.model, own.positive, own.negative);
    if (first == 0) return custom_sampler(start_noise, second, method, sigmas, latent);
    const Output high = nodes_.add("SplitSigmas", {{"sigmas", sigmas}, {"step", first}}, "Switch");
    const Output half = custom_sampler(start_noise, guide, method, high, latent);
    return custom_sampler(nodes_.add("DisableNoise", ordered_json::object()), second, method,
                          high.other(1), half);
  }

  Output levels(const std::string& scheduler, int steps, double denoise) {
    return nodes_.add(
        "BasicScheduler",
        {{"model", model_}, {"scheduler", scheduler}, {"steps", steps}, {"denoise", denoise}});
  }
  Output noise(const Seeds& seeds) {
    return nodes_.add("VariationNoise", {{"noise_seed", seeds.seed},
                                         {"generator", job_.nvidia_noise ? "nv" : "cpu"},
                                         {"variation_seed", seeds.subseed},
                                         {"variation_strength", job_.subseed_strength},
                                         {"eta_seed_delta", job_.eta_seed_delta}});
  }
  Output guider(const Output& model, const Output& positive, const Output& negative) {
    return nodes_.add(
        "CFGGuider",
        {{"model", model}, {"positive", positive}, {"negative", negative}, {"cfg", job_.cfg}});
  }
  Output custom_sampler(const Output& start_noise, const Output& guide, const Output& method,
                        const Output& sigmas, const Output& latent) {
    return nodes_.add("SamplerCustomAdvanced", {{"noise", start_noise},
                                                {"guider", guide},
                                                {"sampler", method},
                                                {"sigmas", sigmas},
                                                {"latent_image", latent}});
  }

  Output enlarge(const Output& small, const Seeds& seeds) {
    const A1111HiRes& hires = *job_.hires;
    Output latent;
    if (hires.latent) {
      latent = nodes_.add("LatentUpscale", {{"samples", small},
                                            {"upscale_method", hires.method},
                                            {"width", hires.width},
                                            {"height", hires.height},
                                            {"crop", "disabled"}});
    } else {
      const Output image = nodes_.add("ImageScale", {{"image", decode(small)},
                                                     {"upscale_method", hires.method},
                                                     {"width", hires.width},
                                                     {"height", hires.height},
                                                     {"crop", "disabled"}});
      latent = nodes_.add("VAEEncode", {{"pixels", image}, {"vae", vae_}});
    }
    const Output positive =
        hires.prompt.empty() ? positive_ : encode(hires.prompt, "Hires prompt", "positive");
    const Output negative = hires.negative.empty()
                                ? negative_
                                : encode(hires.negative, "Hires negative prompt", "negative");
    const int steps =
        std::max(1, static_cast<int>((hires.steps > 0 ? hires.steps : job_.steps) * job_.denoise));
    return decode(sample_with(seeded(latent, seeds.seed), seeds, steps, job_.denoise, hires.sampler,
                              hires.scheduler, positive, negative, true));
  }

  Output decode(const Output& latent) {
    return nodes_.add("VAEDecode", {{"samples", latent}, {"vae", vae_}});
  }

  // Outside of the mask the image stays as it was, to the last bit.
  Output finish(const Output& image) {
    if (mask_.id.empty()) return image;
    const auto& crop = job_.start->crop;
    const Output source = crop ? scale(image, crop->width, crop->height) : image;
    const Output part = crop ? to_mask(cut(mask_image(), *crop)) : mask_;
    return nodes_.add("ImageCompositeMasked", {{"destination", (crop ? whole_ : image_)},
                                               {"source", source},
                                               {"x", crop ? crop->x : 0},
                                               {"y", crop ? crop->y : 0},
                                               {"resize_source", false},
                                               {"mask", part}});
  }
  Output mask_image() { return nodes_.add("MaskToImage", {{"mask", whole_mask_}}); }

  void save(const Output& image) {
    if (job_.save) {
      nodes_.add("SaveImage", {{"images", image}, {"filename_prefix", "sdapi"}});
    } else {
      nodes_.add("PreviewImage", {{"images", image}});
    }
  }

  const A1111Job& job_;
  WorkflowBuilder nodes_;
  Output model_, clip_, vae_, positive_, negative_;
  std::optional<Side> refiner_;
  Output whole_, whole_mask_, image_, mask_;
  Output begin_;  // the image, with what the masked part begins as where that is colours
};

}  // namespace

ordered_json a1111_workflow(const A1111Job& job) {
  return A1111Writer(job).write();
}

}  // namespace obscura::workflows
