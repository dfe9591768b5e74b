/** What the page knows of the server: node types and jobs. */
import { isObject, type Json } from "../document/exact_json.ts";
import type { NodeId } from "../document/model.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { parseNodeTypes } from "../document/parse_node_types.ts";
import { createStore } from "../state/store.ts";
import { getJson } from "./http.ts";
import type { ImageFile } from "./images.ts";
import { type Job, readHistory, readQueueItem } from "./jobs.ts";
import { type Running, runningAfter } from "./running.ts";

export interface StudioState {
  readonly connection: "connecting" | "open" | "lost";
  readonly types?: NodeTypes;
  readonly queue: readonly Job[];
  /** Newest first. */
  readonly finished: readonly Job[];
  readonly historyLoaded: boolean;
  readonly running?: Running;
  /** What jobs have shown before the history tells of them: by job, then by node. */
  readonly shown: Readonly<Record<string, Readonly<Record<NodeId, readonly ImageFile[]>>>>;
  readonly failure?: string;
}

export const studio = createStore<StudioState>({
  connection: "connecting",
  queue: [],
  finished: [],
  historyLoaded: false,
  shown: {},
});

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

