/** The queue beyond ComfyUI's API: order, holding, and whether it runs at all. */
import { createStore } from "../state/store.ts";
import type { Job, JobList, Move, Queue } from "./api_types.ts";
import { getApi, postJson } from "./http.ts";
import { refresh } from "./studio.ts";

export interface QueueFacts {
  readonly paused: boolean;
  /** Of the jobs that wait or run, and of those that ended last. */
  readonly jobs: ReadonlyMap<string, Job>;
}

export const queueFacts = createStore<QueueFacts>({ paused: false, jobs: new Map() });

export async function loadQueueFacts(): Promise<void> {
  const [queue, unfinished, newest] = await Promise.all([
    getApi<Queue>("queue"),
    getApi<JobList>("jobs?state=unfinished&limit=1000"),
    getApi<JobList>("jobs?state=finished&limit=60"),
  ]);
  queueFacts.set({ paused: queue.paused, jobs: new Map([...newest.jobs, ...unfinished.jobs].map((job) => [job.id, job])) });
}

const act = async (path: string, body: unknown = {}): Promise<void> => {
  await postJson(path, body);
  await Promise.all([refresh(), loadQueueFacts()]);
};

const job = (id: string, verb: string): string => `/api/v1/jobs/${encodeURIComponent(id)}/${verb}`;

export const moveBefore = (id: string, before: string): Promise<void> => act(job(id, "move"), { before } satisfies Move);
export const moveTo = (id: string, to: "front" | "back"): Promise<void> => act(job(id, "move"), { to } satisfies Move);
export const hold = (id: string): Promise<void> => act(job(id, "pause"));
export const release = (id: string): Promise<void> => act(job(id, "resume"));
export const pauseQueue = (paused: boolean): Promise<void> => act(`/api/v1/queue/${paused ? "pause" : "resume"}`);
