// A1111's requests as workflows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "server/a1111.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

// Nodes with ids that count up, by which links refer to them.
class WorkflowBuilder {
 public:
  struct Output {
    std::string id;
    int slot = 0;
    ordered_json link() const { return ordered_json::array({id, slot}); }
  };

  Output add(const char* type, ordered_json inputs, const char* title = nullptr) {
    const std::string id = std::to_string(++last_);
    nodes_[id] = {{"class_type", type}, {"inputs", std::move(inputs)}};
    if (title != nullptr) nodes_[id]["_meta"] = {{"title", title}};
    return {id, 0};
  }
  ordered_json take() { return std::move(nodes_); }

 private:
  ordered_json nodes_ = ordered_json::object();
  int last_ = 0;
};
using Output = WorkflowBuilder::Output;

Output slot(const Output& output, int number) {
  return {output.id, number};
}

class A1111Writer {
 public:
  explicit A1111Writer(const A1111Job& job) : job_(job) {}

  ordered_json write() {
    load();
    if (job_.start) read_pictures();
    for (int i = 0; i < job_.n_iter; ++i) {
      const std::uint64_t seed =
          job_.seed + static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(job_.batch_size);
      save(job_.hires ? enlarge(sample(first_latent(seed), seed), seed)
                      : finish(decode(sample(first_latent(seed), seed))));
    }
    return nodes_.take();
  }

 private:
  void load() {
    const Output checkpoint =
        nodes_.add("CheckpointLoaderSimple", {{"ckpt_name", job_.checkpoint}});
    model_ = checkpoint;
    clip_ = slot(checkpoint, 1);
    vae_ = slot(checkpoint, 2);
    for (const A1111Lora& lora : job_.loras) {
      model_ = nodes_.add("LoraLoader", {{"model", model_.link()},
                                         {"clip", clip_.link()},
                                         {"lora_name", lora.name},
                                         {"strength_model", lora.unet},
                                         {"strength_clip", lora.text_encoder}});
      clip_ = slot(model_, 1);
    }
    if (job_.clip_skip > 1) {
      clip_ = nodes_.add("CLIPSetLastLayer",
                         {{"clip", clip_.link()}, {"stop_at_clip_layer", -job_.clip_skip}});
    }
    positive_ = encode(job_.prompt, "Prompt");
    negative_ = encode(job_.negative, "Negative prompt");
  }

  Output encode(const std::string& text, const char* title) {
    return nodes_.add("CLIPTextEncode", {{"text", text}, {"clip", clip_.link()}}, title);
  }

  Output scale(const Output& image, int width, int height, const char* crop = "disabled") {
    return nodes_.add("ImageScale", {{"image", image.link()},
                                     {"upscale_method", "lanczos"},
                                     {"width", width},
                                     {"height", height},
                                     {"crop", crop}});
  }

  Output cut(const Output& image, const PictureBox& box) {
    return nodes_.add("ImageCrop", {{"image", image.link()},
                                    {"width", box.width},
                                    {"height", box.height},
                                    {"x", box.x},
                                    {"y", box.y}});
  }

  // To the size asked for: stretched, cropped or padded.
  Output fit(const Output& image) {
    const int mode = job_.start->resize_mode;
    if (mode == 2) {
      return nodes_.add("ResizeAndPadImage", {{"image", image.link()},
                                              {"target_width", job_.width},
                                              {"target_height", job_.height},
                                              {"padding_color", "black"},
                                              {"interpolation", "lanczos"}});
    }
    return scale(image, job_.width, job_.height, mode == 1 ? "center" : "disabled");
  }

  void read_pictures() {
    const A1111Job::Start& start = *job_.start;
    whole_ = nodes_.add("LoadImage", {{"image", start.image}}, "Picture to change");
    picture_ = start.crop ? scale(cut(whole_, *start.crop), job_.width, job_.height) : fit(whole_);
    if (start.mask.empty()) return;
    Output mask = nodes_.add("LoadImageMask", {{"image", start.mask}, {"channel", "red"}},
                             "White where it changes");
    if (start.invert) mask = nodes_.add("InvertMask", {{"mask", mask.link()}});
    Output image = nodes_.add("MaskToImage", {{"mask", mask.link()}});
    if (!start.crop) image = fit(image);
    if (start.blur > 0) {
      image = nodes_.add("ImageBlur", {{"image", image.link()},
                                       {"blur_radius", std::min(31, start.blur * 5 / 2)},
                                       {"sigma", std::min(10.0, double{1} * start.blur)}});
    }
    whole_mask_ = to_mask(image);
    mask_ =
        start.crop ? to_mask(scale(cut(image, *start.crop), job_.width, job_.height)) : whole_mask_;
  }

  Output to_mask(const Output& image) {
    return nodes_.add("ImageToMask", {{"image", image.link()}, {"channel", "red"}});
  }

  Output first_latent(std::uint64_t seed) {
    Output latent;
    if (!job_.start) {
      latent = nodes_.add(
          "EmptyLatentImage",
          {{"width", job_.width}, {"height", job_.height}, {"batch_size", job_.batch_size}});
      return seeded(latent, seed);
    }
    if (!mask_.id.empty() && !job_.start->original_content) {
      latent = nodes_.add("VAEEncodeForInpaint", {{"pixels", picture_.link()},
                                                  {"vae", vae_.link()},
                                                  {"mask", mask_.link()},
                                                  {"grow_mask_by", 0}});
    } else {
      latent = nodes_.add("VAEEncode", {{"pixels", picture_.link()}, {"vae", vae_.link()}});
      if (!mask_.id.empty()) {
        latent =
            nodes_.add("SetLatentNoiseMask", {{"samples", latent.link()}, {"mask", mask_.link()}});
      }
    }
    if (job_.batch_size > 1) {
      latent = nodes_.add("RepeatLatentBatch",
                          {{"samples", latent.link()}, {"amount", job_.batch_size}});
    }
    return seeded(latent, seed);
  }

  // Each picture of a batch has a seed of its own, as in A1111.
  Output seeded(const Output& latent, std::uint64_t seed) {
    if (job_.batch_size == 1) return latent;
    return nodes_.add("LatentSeeds", {{"samples", latent.link()}, {"seeds", std::to_string(seed)}});
  }

  Output sample(const Output& latent, std::uint64_t seed) {
    // A1111 makes a part of the steps where a picture is there to begin with.
    const int steps =
        job_.start ? std::max(1, static_cast<int>(job_.steps * job_.denoise)) : job_.steps;
    return k_sampler(latent, seed, steps, job_.start ? job_.denoise : 1.0, job_.sampler,
                     job_.scheduler, positive_, negative_);
  }

  Output k_sampler(const Output& latent, std::uint64_t seed, int steps, double denoise,
                   const std::string& sampler, const std::string& scheduler, const Output& positive,
                   const Output& negative) {
    return nodes_.add("KSampler", {{"model", model_.link()},
                                   {"seed", seed},
                                   {"steps", steps},
                                   {"cfg", job_.cfg},
                                   {"sampler_name", sampler},
                                   {"scheduler", scheduler},
                                   {"positive", positive.link()},
                                   {"negative", negative.link()},
                                   {"latent_image", latent.link()},
                                   {"denoise", denoise}});
  }

  Output enlarge(const Output& small, std::uint64_t seed) {
    const A1111Job::HiRes& hires = *job_.hires;
    Output latent;
    if (hires.latent) {
      latent = nodes_.add("LatentUpscale", {{"samples", small.link()},
                                            {"upscale_method", hires.method},
                                            {"width", hires.width},
                                            {"height", hires.height},
                                            {"crop", "disabled"}});
    } else {
      const Output image = nodes_.add("ImageScale", {{"image", decode(small).link()},
                                                     {"upscale_method", hires.method},
                                                     {"width", hires.width},
                                                     {"height", hires.height},
                                                     {"crop", "disabled"}});
      latent = nodes_.add("VAEEncode", {{"pixels", image.link()}, {"vae", vae_.link()}});
    }
    const Output positive = hires.prompt.empty() ? positive_ : encode(hires.prompt, "Hires prompt");
    const Output negative =
        hires.negative.empty() ? negative_ : encode(hires.negative, "Hires negative prompt");
    const int steps =
        std::max(1, static_cast<int>((hires.steps > 0 ? hires.steps : job_.steps) * job_.denoise));
    return decode(k_sampler(seeded(latent, seed), seed, steps, job_.denoise, hires.sampler,
                            hires.scheduler, positive, negative));
  }

  Output decode(const Output& latent) {
    return nodes_.add("VAEDecode", {{"samples", latent.link()}, {"vae", vae_.link()}});
  }

  // Outside of the mask the picture stays as it was, to the last bit.
  Output finish(const Output& image) {
    if (mask_.id.empty()) return image;
    const auto& crop = job_.start->crop;
    const Output source = crop ? scale(image, crop->width, crop->height) : image;
    const Output part = crop ? to_mask(cut(mask_image(), *crop)) : mask_;
    return nodes_.add("ImageCompositeMasked", {{"destination", (crop ? whole_ : picture_).link()},
                                               {"source", source.link()},
                                               {"x", crop ? crop->x : 0},
                                               {"y", crop ? crop->y : 0},
                                               {"resize_source", false},
                                               {"mask", part.link()}});
  }
  Output mask_image() { return nodes_.add("MaskToImage", {{"mask", whole_mask_.link()}}); }

  void save(const Output& image) {
    if (job_.save) {
      nodes_.add("SaveImage", {{"images", image.link()}, {"filename_prefix", "sdapi"}});
    } else {
      nodes_.add("PreviewImage", {{"images", image.link()}});
    }
  }

  const A1111Job& job_;
  WorkflowBuilder nodes_;
  Output model_, clip_, vae_, positive_, negative_;
  Output whole_, whole_mask_, picture_, mask_;
};

}  // namespace

ordered_json a1111_workflow(const A1111Job& job) {
  return A1111Writer(job).write();
}

}  // namespace obscura::server
