/** The job that runs, and how far it has come. */
import type { NodeId } from "../document/model.ts";
import type { Job } from "./jobs.ts";

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

export function runningAfter(before: Running | undefined, job: Job | undefined): Running | undefined {
  if (!job) {
    forgetPreview(before);
    return undefined;
  }
  return before?.job === job.id ? before : { job: job.id, nodes: {}, since: Date.now() };
}

export function forgetPreview(running: Running | undefined): void {
  if (running?.preview) URL.revokeObjectURL(running.preview);
}
