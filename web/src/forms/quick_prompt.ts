/** The graph that a state of the quick form stands for. */
import { fromPrompt, type Prompt } from "../document/api_form.ts";
import type { Json, JsonObject } from "../document/exact_json.ts";
import type { GraphDocument } from "../document/model.ts";
import type { NodeTypes } from "../document/node_types.ts";
import type { QuickForm } from "./quick.ts";

const COMPOSITE = "ImageCompositeMasked";

class Builder {
  readonly prompt: Prompt = {};
  #next = 1;
  /** The node's output `slot` as a link. */
  add(type: string, inputs: JsonObject, title?: string): (slot?: number) => Json {
    const id = String(this.#next++);
    this.prompt[id] = { class_type: type, inputs, ...(title ? { _meta: { title } } : {}) };
    return (slot = 0) => [id, slot];
  }
}

function startLatent(build: Builder, form: QuickForm, vae: Json): { latent: Json; finish: (decoded: Json, types: NodeTypes) => Json } {
  const { start } = form;
  if (!start) {
    const empty = build.add("EmptyLatentImage", { width: form.width, height: form.height, batch_size: form.batch });
    return { latent: empty(), finish: (decoded) => decoded };
  }
  const loaded = build.add("LoadImage", { image: start.image }, "Input image");
  let pixels = loaded();
  if (!start.mask && (start.width !== form.width || start.height !== form.height)) {
    pixels = build.add("ImageScale", { image: pixels, upscale_method: "lanczos", width: form.width, height: form.height, crop: "center" })();
  }
  let latent = build.add("VAEEncode", { pixels, vae })();
  let finish = (decoded: Json, _types: NodeTypes): Json => decoded;
  if (start.mask) {
    const mask = build.add("LoadImageMask", { image: start.mask, channel: "red" }, "Mask: white is painted anew")();
    const grown = build.add("GrowMask", { mask, expand: 4, tapered_corners: true })();
    latent = build.add("SetLatentNoiseMask", { samples: latent, mask: grown })();
    finish = (decoded, types) =>
      types.has(COMPOSITE)
        ? build.add(COMPOSITE, { destination: pixels, source: decoded, x: 0, y: 0, resize_source: false, mask: grown }, "Keep what is not masked")()
        : decoded;
  }
  if (form.batch > 1) latent = build.add("RepeatLatentBatch", { samples: latent, amount: form.batch })();
  return { latent, finish };
}

export function quickPrompt(form: QuickForm, types: NodeTypes): Prompt {
  const build = new Builder();
  const loader = build.add("CheckpointLoaderSimple", { ckpt_name: form.model });
  let [model, clip] = [loader(0), loader(1)];
  const vae = loader(2);
  for (const { name, weight } of form.loras) {
    const lora = build.add("LoraLoader", { model, clip, lora_name: name, strength_model: weight, strength_clip: weight });
    [model, clip] = [lora(0), lora(1)];
  }
  const positive = build.add("CLIPTextEncode", { clip, text: form.prompt }, "Prompt")();
  const negative = build.add("CLIPTextEncode", { clip, text: form.negative }, "Negative prompt")();
  const { latent, finish } = startLatent(build, form, vae);
  const sampling = { model, seed: form.seed, cfg: form.cfg, sampler_name: form.sampler, scheduler: form.scheduler, positive, negative };
  const denoise = form.start ? form.start.denoise : 1;
  let samples = build.add("KSampler", { ...sampling, steps: form.steps, latent_image: latent, denoise })();
  if (form.hires && !form.start?.mask) {
    const { scale, steps, denoise: again } = form.hires;
    const larger = build.add("LatentUpscaleBy", { samples, upscale_method: "bislerp", scale_by: scale })();
    samples = build.add("KSampler", { ...sampling, steps, latent_image: larger, denoise: again }, "Hires fix")();
  }
  const decoded = build.add("VAEDecode", { samples, vae })();
  build.add("SaveImage", { images: finish(decoded, types), filename_prefix: "obscura" });
  return build.prompt;
}

export function quickDocument(form: QuickForm, types: NodeTypes): GraphDocument {
  return fromPrompt(quickPrompt(form, types) as unknown as JsonObject, types);
}
