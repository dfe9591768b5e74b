/** Model files, and what their own metadata says (modelspec's fields and kohya's). */
import type { Prompt } from "../document/api_form.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../document/exact_json.ts";
import type { MemoryPlan, Model, ModelFacts, ModelList } from "./api_types.ts";
import { address, getApi, getJson, postJson } from "./http.ts";

export type { MemoryPlan, Model, ModelFacts } from "./api_types.ts";

/** What a file's metadata says. */
export interface ModelMetadata {
  readonly title?: string;
  readonly architecture?: string;
  readonly resolution?: string;
  readonly author?: string;
  readonly licence?: string;
  readonly hash?: string;
  readonly description?: string;
  readonly thumbnail?: string;
  readonly triggers: readonly string[];
  readonly empty: boolean;
}

export async function loadModels(): Promise<readonly Model[]> {
  return (await getApi<ModelList>("models")).models;
}

const routeOf = ({ kind, name }: Model): string => `models/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;

/** What its tensors say, and the notes beside it. */
export const loadFacts = (model: Model): Promise<ModelFacts> => getApi<ModelFacts>(routeOf(model));

/** The address of the image that lies beside the file. */
export const previewUrl = (model: Model): string | undefined =>
  model.preview_ms > 0 ? address(`/api/v1/${routeOf(model)}/preview`, { v: String(model.preview_ms) }) : undefined;

export async function loadMetadata({ kind, name }: Model): Promise<ModelMetadata> {
  return readMetadata(await getJson(`/view_metadata/${encodeURIComponent(kind)}?filename=${encodeURIComponent(name)}`).catch(() => null));
}

/** What a job of this prompt would hold of the device's memory. */
export async function planMemory(prompt: Prompt): Promise<MemoryPlan> {
  return (await postJson("/api/v1/plan", { workflow: prompt })) as unknown as MemoryPlan;
}

/** kohya counts how often each tag was seen in training: {folder: {tag: count}}. */
function frequentTags(text: Json | undefined): string[] {
  if (typeof text !== "string") return [];
  try {
    const folders = parseJson(text);
    const counts = new Map<string, number>();
    for (const tags of Object.values(isObject(folders) ? folders : {})) {
      for (const [tag, count] of Object.entries(isObject(tags) ? tags : {})) counts.set(tag.trim(), (counts.get(tag.trim()) ?? 0) + Number(count));
    }
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([tag]) => tag);
  } catch {
    return [];
  }
}

export function readMetadata(json: Json): ModelMetadata {
  const metadata: JsonObject = isObject(json) ? json : {};
  const text = (...names: string[]): string | undefined => {
    for (const name of names) {
      const value = metadata[name];
      if (typeof value === "string" && value !== "" && value !== "None") return value;
    }
    return undefined;
  };
  const phrase = text("modelspec.trigger_phrase", "modelspec.usage_hint");
  const thumbnail = text("modelspec.thumbnail");
  return {
    title: text("modelspec.title", "ss_output_name"),
    architecture: text("modelspec.architecture", "ss_base_model_version", "ss_network_module"),
    resolution: text("modelspec.resolution", "ss_resolution"),
    author: text("modelspec.author"),
    licence: text("modelspec.license"),
    hash: text("modelspec.hash_sha256", "sshs_model_hash")?.replace(/^0x/, ""),
    description: text("modelspec.description"),
    // Only images that the file itself carries: a page of ours asks no other host.
    thumbnail: thumbnail && /^data:image\/(png|jpeg|webp);base64,/.test(thumbnail) ? thumbnail : undefined,
    triggers: phrase ? phrase.split(",").map((word) => word.trim()).filter(Boolean) : frequentTags(metadata.ss_tag_frequency),
    empty: Object.keys(metadata).length === 0,
  };
}
