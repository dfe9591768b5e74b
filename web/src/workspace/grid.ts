/** The grid at hand: its axes, and the jobs that fill its cells. */
import { toEditorForm } from "../document/editor_form_write.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { promptToRun } from "../document/wildcards.ts";
import type { Axis } from "../forms/axes.ts";
import { type Grid, makeGrid } from "../forms/grid.ts";
import { type QuickForm, withForm } from "../forms/quick.ts";
import { quickDocument } from "../forms/quick_prompt.ts";
import type { ImageFile } from "../service/images.ts";
import type { Job } from "../service/jobs.ts";
import { submit } from "../service/submit.ts";
import { remember, remembered } from "../state/remembered.ts";
import { createStore } from "../state/store.ts";

export interface Axes {
  readonly x: Axis;
  readonly y: Axis;
  readonly z: Axis;
}

/** A grid that was sent: its labels, and for each cell its job. */
export interface SentGrid {
  readonly axes: Axes;
  readonly labels: Grid["labels"];
  readonly cells: readonly { readonly x: number; readonly y: number; readonly z: number; readonly job: string }[];
  readonly prompt: string;
}

interface GridState {
  readonly axes: Axes;
  readonly sent?: SentGrid;
  readonly sending: boolean;
}

const FIRST: Axes = {
  x: { kind: "cfg", values: "2, 4, 6" },
  y: { kind: "seed", values: "1-3" },
  z: { kind: "none", values: "" },
};

export const grid = createStore<GridState>({
  axes: remembered("grid.axes", FIRST),
  sent: remembered<SentGrid | null>("grid.sent", null) ?? undefined,
  sending: false,
});

export function changeAxis(name: keyof Axes, change: Partial<Axis>): void {
  const axes = { ...grid.get().axes, [name]: { ...grid.get().axes[name], ...change } };
  grid.set({ axes });
  remember("grid.axes", axes);
}

export async function sendGrid(form: QuickForm, types: NodeTypes): Promise<void> {
  const { axes } = grid.get();
  const { labels, cells } = makeGrid(form, axes);
  grid.set({ sending: true });
  try {
    const sent: { x: number; y: number; z: number; job: string }[] = [];
    for (const { x, y, z, form: cell } of cells) {
      const document = quickDocument(cell, types);
      const { id } = await submit(promptToRun(document, types), withForm(toEditorForm(document, types), cell));
      sent.push({ x, y, z, job: id });
      const now = { axes, labels, cells: [...sent], prompt: form.prompt };
      grid.set({ sent: now });
      remember("grid.sent", now);
    }
  } finally {
    grid.set({ sending: false });
  }
}

export function imageOf(job: Job | undefined): ImageFile | undefined {
  return job && Object.values(job.outputs).flat().find((image) => image.type === "output");
}
