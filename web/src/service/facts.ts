/** What a prompt says of the image that it makes. */
import type { Prompt } from "../document/api_form.ts";
import type { Json } from "../document/exact_json.ts";

export interface Facts {
  readonly prompt: string;
  readonly negative: string;
  readonly models: readonly string[];
  readonly seed?: string;
  readonly steps?: string;
  readonly cfg?: string;
  readonly sampler?: string;
  readonly size?: string;
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

const shown = (value: Json | undefined): string | undefined =>
  value === undefined || value === null || typeof value === "object" ? undefined : String(value);

/** The text that an input leads to, through whatever stands between. */
function textBehind(prompt: Prompt, value: Json | undefined, depth = 0): string {
  if (!Array.isArray(value) || depth > 20) return "";
  const inputs = prompt[String(value[0])]?.inputs ?? {};
  const own = text(inputs.text) || text(inputs.text_g);
  if (own) return own;
  return Object.values(inputs).map((input) => textBehind(prompt, input, depth + 1)).find(Boolean) ?? "";
}

export function factsOf(prompt: Prompt): Facts {
  const nodes = Object.values(prompt);
  const sampler = nodes.find((node) => Array.isArray(node.inputs.positive) && (node.inputs.seed ?? node.inputs.noise_seed) !== undefined)?.inputs ?? {};
  const latent = nodes.find((node) => node.class_type === "EmptyLatentImage")?.inputs ?? {};
  const models = nodes.flatMap((node) =>
    Object.entries(node.inputs).flatMap(([name, value]) => (/_name$/.test(name) && /\.(safetensors|ckpt|pt|pth)$/.test(text(value)) ? [text(value)] : [])),
  );
  return {
    prompt: textBehind(prompt, sampler.positive) || text(nodes.find((node) => text(node.inputs.text))?.inputs.text),
    negative: textBehind(prompt, sampler.negative),
    models: [...new Set(models)],
    seed: shown(sampler.seed ?? sampler.noise_seed),
    steps: shown(sampler.steps),
    cfg: shown(sampler.cfg),
    sampler: sampler.sampler_name ? `${text(sampler.sampler_name)} · ${text(sampler.scheduler)}` : undefined,
    size: shown(latent.width) && `${shown(latent.width)} × ${shown(latent.height)}`,
  };
}
