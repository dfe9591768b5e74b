/** What the server's events change. */
import type { JsonObject } from "../document/exact_json.ts";
import { client } from "./client.ts";
import { readImages } from "./images.ts";
import { readError } from "./jobs.ts";
import { connect, connectEvents } from "./live.ts";
import { loadProjects } from "./projects.ts";
import { forgetPreview, type Running } from "./running.ts";
import { loadTypes, refresh, studio } from "./studio.ts";

function changeRunning(job: string, change: (running: Running) => Running): void {
  studio.set((state) => {
    const running = state.running?.job === job ? state.running : { job, nodes: {}, since: Date.now() };
    return { running: change(running) };
  });
}

function forgetRunning(): void {
  forgetPreview(studio.get().running);
  studio.set({ running: undefined });
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
      if (data.node === null) forgetRunning();
      else if (job) changeRunning(job, (running) => ({ ...running, node: String(data.node), since: Date.now() }));
      break;
    case "progress_state":
      changeRunning(job, (running) => ({ ...running, nodes: data.nodes as unknown as Running["nodes"] }));
      break;
    case "executed":
      studio.set((state) => ({
        shown: { ...state.shown, [job]: { ...state.shown[job], [String(data.node)]: readImages(data.output) } },
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
      forgetRunning();
      studio.set({ connection: "lost" });
    },
    event: onEvent,
    preview(image, data) {
      const job = String(data.prompt_id ?? studio.get().running?.job ?? "");
      if (!job) return;
      changeRunning(job, (running) => {
        forgetPreview(running);
        const node = data.node_id === undefined ? running.node : String(data.node_id);
        return { ...running, preview: URL.createObjectURL(image), previewNode: node };
      });
    },
  });
}
