/** The queue beyond ComfyUI's API: order, holding, and whether it runs at all. */
import { createStore } from "../app/store.ts";
import { isObject } from "../document/exact_json.ts";
import { getJson, postJson } from "./http.ts";
import { refresh } from "./studio.ts";

export interface QueueFacts {
  readonly paused: boolean;
  readonly held: ReadonlySet<string>;
}

export const queueFacts = createStore<QueueFacts>({ paused: false, held: new Set() });

export async function loadQueueFacts(): Promise<void> {
  const [queue, jobs] = await Promise.all([getJson("/api/v1/queue"), getJson("/api/v1/jobs?state=unfinished&limit=1000")]);
  const list = isObject(jobs) && Array.isArray(jobs.jobs) ? jobs.jobs.filter(isObject) : [];
  queueFacts.set({
    paused: isObject(queue) && queue.paused === true,
    held: new Set(list.filter((job) => job.held === true).map((job) => String(job.id))),
  });
}

const act = async (path: string, body: unknown = {}): Promise<void> => {
  await postJson(path, body);
  await Promise.all([refresh(), loadQueueFacts()]);
};

const job = (id: string, verb: string): string => `/api/v1/jobs/${encodeURIComponent(id)}/${verb}`;

export const moveBefore = (id: string, before: string): Promise<void> => act(job(id, "move"), { before });
export const moveTo = (id: string, to: "front" | "back"): Promise<void> => act(job(id, "move"), { to });
export const hold = (id: string): Promise<void> => act(job(id, "pause"));
export const letRun = (id: string): Promise<void> => act(job(id, "resume"));
export const pauseQueue = (paused: boolean): Promise<void> => act(`/api/v1/queue/${paused ? "pause" : "resume"}`);
