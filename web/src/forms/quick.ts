import { isObject, type Json, type JsonObject } from "../document/exact_json.ts";
import type { NodeTypes } from "../document/node_types.ts";

export interface QuickLora {
  readonly name: string;
  readonly weight: number;
}

/** Images are named as LoadImage knows them. */
export interface QuickStart {
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly denoise: number;
  /** White where the image changes. */
  readonly mask?: string;
}

export interface QuickHires {
  readonly scale: number;
  readonly steps: number;
  readonly denoise: number;
}

export interface QuickForm {
  readonly prompt: string;
  readonly negative: string;
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly cfg: number;
  readonly sampler: string;
  readonly scheduler: string;
  readonly seed: number | bigint;
  /** A new seed after each render. */
  readonly newSeeds: boolean;
  readonly batch: number;
  readonly loras: readonly QuickLora[];
  readonly start?: QuickStart;
  readonly hires?: QuickHires;
}

export const EXAMPLE_PROMPT = "product photo of a glossy red bottle on marble, studio light";

/** What the page opens on: the model inside, and a prompt that it knows. */
export function firstForm(types: NodeTypes): QuickForm {
  const models = choices(types, "CheckpointLoaderSimple", "ckpt_name");
  const pocket = models.find((name) => name.startsWith("pocket-"));
  const model = pocket ?? models[0] ?? "";
  return { ...defaultsFor(model), prompt: pocket ? EXAMPLE_PROMPT : "", negative: "", model, seed: 1, newSeeds: true, batch: 1, loras: [] };
}

/** The small model was trained at 256 x 256, SDXL at 1024 x 1024. */
export function defaultsFor(model: string): Pick<QuickForm, "width" | "height" | "steps" | "cfg" | "sampler" | "scheduler"> {
  const small = model.startsWith("pocket-");
  const side = small ? 256 : 1024;
  return { width: side, height: side, steps: small ? 20 : 30, cfg: small ? 4 : 6, sampler: "dpmpp_2m", scheduler: "karras" };
}

export function choices(types: NodeTypes, type: string, input: string): readonly string[] {
  return types.get(type)?.inputs.find((spec) => spec.name === input)?.choices ?? [];
}

const KEY = "obscura_form";

/** Kept in the workflow of each image, so that its settings come back to the form. */
export const withForm = (workflow: JsonObject, form: QuickForm): JsonObject => ({
  ...workflow,
  extra: { ...(isObject(workflow.extra) ? workflow.extra : {}), [KEY]: form as unknown as Json },
});

export function formOf(workflow: JsonObject | undefined): QuickForm | undefined {
  const extra = workflow?.extra;
  const form = isObject(extra) ? extra[KEY] : undefined;
  return isObject(form) && typeof form.prompt === "string" && Array.isArray(form.loras) ? (form as unknown as QuickForm) : undefined;
}
