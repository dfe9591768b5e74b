/** Pictures that jobs have saved, and what can be searched in them. */
import { fromPrompt, type Prompt } from "../document/api_form.ts";
import { fromEditorForm, isEditorForm } from "../document/editor_form.ts";
import { toEditorForm } from "../document/editor_form_write.ts";
import type { Json, JsonObject } from "../document/exact_json.ts";
import { nodesOf, type GraphDocument } from "../document/model.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { onAllPlanes } from "../document/planes.ts";
import { withSubgraphs } from "../document/subgraph_types.ts";
import { promptToRun } from "../document/wildcards.ts";
import { randomSeed } from "../document/seeds.ts";
import { pictureKey, type Job, type Picture } from "./jobs.ts";
import { submit } from "./studio.ts";

export interface Result {
  readonly key: string;
  readonly picture: Picture;
  readonly job: Job;
  readonly facts: Facts;
}

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

const factsCache = new WeakMap<Prompt, Facts>();

function cachedFacts(prompt: Prompt): Facts {
  let facts = factsCache.get(prompt);
  if (!facts) factsCache.set(prompt, (facts = factsOf(prompt)));
  return facts;
}

/** Each file once: a job that found its result made already shows the same file. */
export function resultsOf(jobs: readonly Job[]): Result[] {
  const results = new Map<string, Result>();
  for (const job of jobs) {
    for (const picture of Object.values(job.outputs).flat()) {
      const key = pictureKey(picture);
      if (picture.type !== "output" || results.has(key)) continue;
      results.set(key, { key, picture, job, facts: cachedFacts(job.prompt) });
    }
  }
  return [...results.values()];
}

/** Every word must occur in prompt, models, file name or sampler. */
export function matches({ facts, picture }: Result, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const all = [facts.prompt, facts.negative, ...facts.models, picture.filename, facts.sampler ?? "", facts.seed ?? ""].join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}

export function documentOf(job: Job, types: NodeTypes): GraphDocument {
  if (job.workflow && isEditorForm(job.workflow)) return fromEditorForm(job.workflow, types);
  return fromPrompt(job.prompt as unknown as JsonObject, types);
}

/** The same job once more: the same pictures, bit for bit. */
export async function sameAgain(job: Job, types: NodeTypes): Promise<string> {
  return (await submit(job.prompt, job.workflow ?? toEditorForm(documentOf(job, types), types))).id;
}

/** The same graph with other seeds. */
export function varied(document: GraphDocument, types: NodeTypes): GraphDocument {
  return onAllPlanes((plane) => {
    const all = withSubgraphs(plane.subgraphs, types);
    const nodes = { ...plane.nodes };
    for (const node of nodesOf(plane)) {
      for (const input of all.get(node.type)?.inputs ?? []) {
        if (!/^(noise_)?seed$/.test(input.name) || node.values[input.name] === undefined) continue;
        nodes[node.id] = { ...node, values: { ...node.values, [input.name]: randomSeed(input.max) } };
      }
    }
    return { ...plane, nodes };
  })(document);
}

export async function vary(job: Job, types: NodeTypes): Promise<string> {
  const document = varied(documentOf(job, types), types);
  return (await submit(promptToRun(document, types), toEditorForm(document, types))).id;
}
