/** What the page knows of the server: node types, jobs, the running job's progress; and what it asks of it. */
import { createStore } from "../app/store.ts";
import type { Prompt } from "../document/api_form.ts";
import { isObject, type Json, type JsonObject } from "../document/exact_json.ts";
import type { NodeId } from "../document/model.ts";
import { parseNodeTypes, type NodeTypes } from "../document/node_types.ts";
import { randomUuid } from "../document/uuid.ts";
import { getJson, HttpError, postJson, request } from "./http.ts";
import { loadProjects } from "./projects.ts";
import { readError, readHistory, readPictures, readQueueItem, type Job, type Picture } from "./jobs.ts";
import { connect, connectEvents } from "./live.ts";

export interface NodeProgress {
  readonly value: number;
  readonly max: number;
  readonly state: string;
}

export interface Running {
  readonly job: string;
  readonly node?: NodeId;
  readonly nodes: Readonly<Record<NodeId, NodeProgress>>;
  /** An object URL. */
  readonly preview?: string;
  readonly previewNode?: NodeId;
  /** When the node at work began, by this machine's clock. */
  readonly since: number;
}

export interface NodeErrors {
  readonly [node: NodeId]: readonly { readonly message: string; readonly input?: string }[];
}

export interface StudioState {
  readonly connection: "connecting" | "open" | "lost";
  readonly types?: NodeTypes;
  readonly queue: readonly Job[];
  /** Newest first. */
  readonly finished: readonly Job[];
  readonly historyLoaded: boolean;
  readonly running?: Running;
  /** What jobs have shown before the history tells of them: by job, then by node. */
  readonly shown: Readonly<Record<string, Readonly<Record<NodeId, readonly Picture[]>>>>;
  readonly failure?: string;
}

export const studio = createStore<StudioState>({
  connection: "connecting",
  queue: [],
  finished: [],
  historyLoaded: false,
  shown: {},
});

function clientId(): string {
  const key = "obscura.client";
  let id = sessionStorage.getItem(key);
  // A tab that was duplicated copies its session: the two must not take one socket from each other.
  if (!id || performance.getEntriesByType("navigation").some((entry) => (entry as PerformanceNavigationTiming).type === "navigate")) {
    id = randomUuid();
    sessionStorage.setItem(key, id);
  }
  return id;
}

const client = clientId();

export async function loadTypes(): Promise<void> {
  studio.set({ types: parseNodeTypes(await getJson("/object_info")) });
}

/** Waits for the server where it must. */
export function whenTypes(): Promise<NodeTypes> {
  const { types } = studio.get();
  if (types) return Promise.resolve(types);
  return new Promise((resolve) => {
    const stop = studio.subscribe(() => {
      const { types: loaded } = studio.get();
      if (!loaded) return;
      stop();
      resolve(loaded);
    });
  });
}

async function loadJobs(): Promise<void> {
  const [queue, history] = await Promise.all([getJson("/queue"), getJson("/history?max_items=1000")]);
  const items = (key: string): Json[] => {
    const found = isObject(queue) ? queue[key] : undefined;
    return Array.isArray(found) ? found : [];
  };
  const running = items("queue_running").flatMap((item) => readQueueItem(item, "running") ?? []);
  const pending = items("queue_pending").flatMap((item) => readQueueItem(item, "pending") ?? []);
  pending.sort((a, b) => a.number - b.number);
  const finished = readHistory(history).sort((a, b) => (b.ended ?? 0) - (a.ended ?? 0) || b.number - a.number);
  studio.set((state) => ({
    queue: [...running, ...pending],
    finished,
    historyLoaded: true,
    running: runningAfter(state.running, running[0]),
  }));
}

function runningAfter(before: Running | undefined, job: Job | undefined): Running | undefined {
  if (!job) {
    forgetPreview(before);
    return undefined;
  }
  return before?.job === job.id ? before : { job: job.id, nodes: {}, since: Date.now() };
}

let refreshing: Promise<void> | undefined;
let again = false;

/** Reads queue and history; many calls at once are one or two reads. */
export function refresh(): Promise<void> {
  if (refreshing) {
    again = true;
    return refreshing;
  }
  refreshing = loadJobs()
    .catch(() => undefined)
    .finally(() => {
      refreshing = undefined;
      if (again) {
        again = false;
        void refresh();
      }
    });
  return refreshing;
}

function forgetPreview(running: Running | undefined): void {
  if (running?.preview) URL.revokeObjectURL(running.preview);
}

function changeRunning(job: string, change: (running: Running) => Running): void {
  studio.set((state) => {
    const running = state.running?.job === job ? state.running : { job, nodes: {}, since: Date.now() };
    return { running: change(running) };
  });
}

function onEvent(type: string, data: JsonObject): void {
  const job = String(data.prompt_id ?? studio.get().running?.job ?? "");
  switch (type) {
    case "status":
      void refresh();
      break;
    case "execution_start":
      changeRunning(job, (running) => running);
      break;
    case "executing":
      if (data.node === null) studio.set((state) => (forgetPreview(state.running), { running: undefined }));
      else if (job) changeRunning(job, (running) => ({ ...running, node: String(data.node), since: Date.now() }));
      break;
    case "progress_state":
      changeRunning(job, (running) => ({ ...running, nodes: data.nodes as unknown as Running["nodes"] }));
      break;
    case "executed":
      studio.set((state) => ({
        shown: { ...state.shown, [job]: { ...state.shown[job], [String(data.node)]: readPictures(data.output) } },
      }));
      break;
    case "execution_error":
      studio.set({ failure: readError(data).message });
      break;
  }
}

/** What happens in the project whoever asked for it: jobs of other tabs and programs among them. */
function onProjectEvent(message: JsonObject): void {
  if (message.type === "progress") {
    const [job, node] = [String(message.id), String(message.node)];
    const at = { value: Number(message.value), max: Number(message.max), state: "running" };
    changeRunning(job, (running) => ({
      ...running,
      node,
      nodes: { ...running.nodes, [node]: at },
      since: running.node === node ? running.since : Date.now(),
    }));
  } else if (message.type === "model") {
    void loadTypes().catch(() => undefined);
  } else if (message.type === "job" || message.type === "removed" || message.type === "queue") {
    void refresh();
  }
}

export function start(): void {
  connectEvents(onProjectEvent);
  connect(client, {
    opened() {
      studio.set({ connection: "open" });
      void refresh();
      void loadProjects().catch(() => undefined);
      if (!studio.get().types) loadTypes().catch((error: Error) => studio.set({ failure: error.message }));
    },
    lost() {
      forgetPreview(studio.get().running);
      studio.set({ connection: "lost", running: undefined });
    },
    event: onEvent,
    preview(picture, data) {
      const job = String(data.prompt_id ?? studio.get().running?.job ?? "");
      if (!job) return;
      changeRunning(job, (running) => {
        forgetPreview(running);
        const node = data.node_id === undefined ? running.node : String(data.node_id);
        return { ...running, preview: URL.createObjectURL(picture), previewNode: node };
      });
    },
  });
}

/** The server would not take a job; `nodes` says where. */
export class PromptError extends Error {
  readonly nodes: NodeErrors;
  constructor(message: string, nodes: NodeErrors) {
    super(message);
    this.nodes = nodes;
  }
}

function readNodeErrors(json: Json | undefined): NodeErrors {
  const errors: Record<NodeId, { message: string; input?: string }[]> = {};
  for (const [node, entry] of Object.entries(isObject(json) ? json : {})) {
    if (!isObject(entry) || !Array.isArray(entry.errors)) continue;
    errors[node] = entry.errors.filter(isObject).map((error) => {
      const extra = isObject(error.extra_info) ? error.extra_info : {};
      const details = typeof error.details === "string" && error.details ? `: ${error.details}` : "";
      return {
        message: `${String(error.message)}${details}`,
        input: typeof extra.input_name === "string" ? extra.input_name : undefined,
      };
    });
  }
  return errors;
}

export interface Submitted {
  readonly id: string;
  readonly nodeErrors: NodeErrors;
}

export async function submit(
  prompt: Prompt,
  workflow: JsonObject,
  options: { front?: boolean; targets?: readonly NodeId[] } = {},
): Promise<Submitted> {
  const body = {
    prompt,
    client_id: client,
    extra_data: { extra_pnginfo: { workflow }, preview_method: "auto" },
    ...(options.front ? { front: true } : {}),
    ...(options.targets ? { partial_execution_targets: options.targets } : {}),
  };
  try {
    const answer = await postJson("/prompt", body);
    void refresh();
    const fields = isObject(answer) ? answer : {};
    return { id: String(fields.prompt_id), nodeErrors: readNodeErrors(fields.node_errors) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const nodes = isObject(error.body) ? readNodeErrors(error.body.node_errors) : {};
    throw new PromptError(error.message, nodes);
  }
}

export async function interrupt(job?: string): Promise<void> {
  await postJson("/interrupt", job ? { prompt_id: job } : {});
}

export async function cancel(jobs: readonly string[]): Promise<void> {
  await postJson("/queue", { delete: jobs });
  void refresh();
}

export async function forget(jobs: readonly string[]): Promise<void> {
  await postJson("/history", { delete: jobs });
  void refresh();
}

/** The name by which LoadImage finds it. */
export async function upload(file: Blob, name: string): Promise<string> {
  const form = new FormData();
  form.set("image", file, name);
  const answer = await (await request("/upload/image", { method: "POST", body: form })).json();
  const { name: stored, subfolder } = answer as { name: string; subfolder: string };
  return subfolder ? `${subfolder}/${stored}` : stored;
}

export async function fetchBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await request(url)).arrayBuffer());
}
