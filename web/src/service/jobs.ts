/** Jobs and images as the server tells of them. */
import type { Prompt } from "../document/api_form.ts";
import { isObject, type Json, type JsonObject } from "../document/exact_json.ts";
import type { NodeId } from "../document/model.ts";
import { type ImageFile, list, readOutputs } from "./images.ts";

export type JobState = "pending" | "running" | "done" | "failed" | "cancelled";

export interface JobError {
  readonly message: string;
  readonly node?: NodeId;
  readonly nodeType?: string;
}

export interface Job {
  readonly id: string;
  readonly number: number;
  readonly state: JobState;
  readonly prompt: Prompt;
  readonly workflow?: JsonObject;
  readonly outputs: Readonly<Record<NodeId, readonly ImageFile[]>>;
  readonly error?: JobError;
  readonly created?: number;
  readonly started?: number;
  readonly ended?: number;
}

/** [number, id, prompt, extra_data, outputs], as the queue and the history hold it. */
export function readQueueItem(item: Json, state: JobState): Job | undefined {
  if (!Array.isArray(item) || !isObject(item[2] ?? null)) return undefined;
  const extra = isObject(item[3] ?? null) ? (item[3] as JsonObject) : {};
  const pnginfo = isObject(extra.extra_pnginfo) ? extra.extra_pnginfo : {};
  return {
    id: String(item[1]),
    number: Number(item[0]),
    state,
    prompt: item[2] as unknown as Prompt,
    workflow: isObject(pnginfo.workflow) ? pnginfo.workflow : undefined,
    outputs: {},
    created: typeof extra.create_time === "number" ? extra.create_time : undefined,
  };
}

const STATES: Record<string, JobState> = {
  execution_success: "done",
  execution_error: "failed",
  execution_interrupted: "cancelled",
};

export function readError(data: JsonObject): JobError {
  const node = data.node_id;
  return {
    message: String(data.exception_message ?? "The job failed."),
    node: node === undefined || node === null || node === "" ? undefined : String(node),
    nodeType: typeof data.node_type === "string" ? data.node_type : undefined,
  };
}

export function readHistory(json: Json): Job[] {
  const jobs: Job[] = [];
  for (const entry of Object.values(isObject(json) ? json : {})) {
    if (!isObject(entry)) continue;
    const job = readQueueItem(entry.prompt ?? null, "done");
    if (!job) continue;
    const status = isObject(entry.status) ? entry.status : {};
    let { state, started, ended, error }: Partial<Job> = { state: status.completed === false ? "failed" : "done" };
    for (const message of list(status.messages)) {
      const [event, data] = list(message);
      if (!isObject(data ?? null)) continue;
      const at = Number((data as JsonObject).timestamp);
      if (event === "execution_start") started = at;
      const last = STATES[String(event)];
      if (!last) continue;
      [state, ended] = [last, at];
      if (last === "failed") error = readError(data as JsonObject);
    }
    jobs.push({ ...job, state: state ?? "done", started, ended, error, outputs: readOutputs(entry.outputs) });
  }
  return jobs;
}
