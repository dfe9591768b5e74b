#include "workflows/text_to_image.h"

#include "workflows/workflow_builder.h"

namespace obscura::workflows {

nlohmann::ordered_json text_to_image_workflow(const TextToImage& wanted) {
  WorkflowBuilder nodes;
  const Output model = nodes.add("CheckpointLoaderSimple", {{"ckpt_name", wanted.model}});
  auto encode = [&](const std::string& text, const char* title) {
    return nodes.add("CLIPTextEncode", {{"text", text}, {"clip", model.other(1)}}, title);
  };
  const Output positive = encode(wanted.prompt, "Prompt");
  const Output negative = encode(wanted.negative, "Negative prompt");
  Output latent = nodes.add(
      "EmptyLatentImage",
      {{"width", wanted.width}, {"height", wanted.height}, {"batch_size", wanted.batch_size}});
  if (wanted.batch_size > 1) {
    // Behind the others, which have the same ids with it and without.
    latent = nodes.add_as("8", "LatentSeeds",
                          {{"samples", latent}, {"seeds", std::to_string(wanted.seed)}});
  }
  const Output sampled = nodes.add("KSampler", {{"model", model},
                                                {"seed", wanted.seed},
                                                {"steps", wanted.steps},
                                                {"cfg", wanted.cfg},
                                                {"sampler_name", wanted.sampler},
                                                {"scheduler", wanted.scheduler},
                                                {"positive", positive},
                                                {"negative", negative},
                                                {"latent_image", latent},
                                                {"denoise", 1.0}});
  const Output image = nodes.add("VAEDecode", {{"samples", sampled}, {"vae", model.other(2)}});
  nodes.add("SaveImage", {{"images", image}, {"filename_prefix", wanted.prefix}});
  return nodes.take();
}

}  // namespace obscura::workflows
