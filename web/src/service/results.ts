/** Images that jobs have saved, and what can be searched in them. */
import type { Prompt } from "../document/api_form.ts";
import { type Facts, factsOf } from "./facts.ts";
import { type ImageFile, imageKey } from "./images.ts";
import type { Job } from "./jobs.ts";

export interface Result {
  readonly key: string;
  readonly image: ImageFile;
  readonly job: Job;
  readonly facts: Facts;
}

const factsCache = new WeakMap<Prompt, Facts>();

function cachedFacts(prompt: Prompt): Facts {
  const facts = factsCache.get(prompt) ?? factsOf(prompt);
  factsCache.set(prompt, facts);
  return facts;
}

/** Each file once: a job that found its result made already shows the same file. */
export function resultsOf(jobs: readonly Job[]): Result[] {
  const results = new Map<string, Result>();
  for (const job of jobs) {
    for (const image of Object.values(job.outputs).flat()) {
      const key = imageKey(image);
      if (image.type !== "output" || results.has(key)) continue;
      results.set(key, { key, image, job, facts: cachedFacts(job.prompt) });
    }
  }
  return [...results.values()];
}

/** Every word must occur in prompt, models, file name or sampler. */
export function matches({ facts, image }: Result, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const all = [facts.prompt, facts.negative, ...facts.models, image.filename, facts.sampler ?? "", facts.seed ?? ""].join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}

