/** The quick form's state, kept in this browser, and what its button does. */
import { toEditorForm } from "../document/editor_form_write.ts";
import { formatJson, parseJson } from "../document/exact_json.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { randomSeed } from "../document/seeds.ts";
import { promptToRun } from "../document/wildcards.ts";
import { firstForm, type QuickForm, withForm } from "../forms/quick.ts";
import { quickDocument } from "../forms/quick_prompt.ts";
import { loadTypes, studio } from "../service/studio.ts";
import { submit } from "../service/submit.ts";
import { upload } from "../service/transfers.ts";
import { remember, remembered } from "../state/remembered.ts";
import { show } from "../state/routes.ts";
import { createStore } from "../state/store.ts";
import { toast } from "../state/toasts.ts";
import { openDocument } from "./graph.ts";

interface FormState {
  readonly form?: QuickForm;
  /** Draws the mask as an image; none while nothing is painted. */
  readonly takeMask?: () => Promise<Blob | undefined>;
  readonly painting: boolean;
  readonly jobs: readonly string[];
  readonly chosen?: string;
}

export const quick = createStore<FormState>({ painting: false, jobs: remembered<string[]>("quick.jobs", []) });

export function loadForm(types: NodeTypes): void {
  if (quick.get().form) return;
  const kept = remembered<string | null>("quick.form", null);
  const form = kept ? (parseJson(kept) as unknown as QuickForm) : firstForm(types);
  quick.set({ form });
}

export function changeForm(change: Partial<QuickForm>): void {
  const { form } = quick.get();
  if (!form) return;
  const next = { ...form, ...change };
  quick.set({ form: next });
  remember("quick.form", formatJson(next));
}

/** The mask goes to the server under a name of its own, so that the job can be run again. */
async function withMask(form: QuickForm): Promise<QuickForm> {
  const { takeMask, painting } = quick.get();
  if (!form.start || !painting) return form;
  const mask = await takeMask?.();
  if (!mask) return { ...form, start: { ...form.start, mask: undefined } };
  return { ...form, start: { ...form.start, mask: await upload(mask, "mask.png") } };
}

export async function renderForm(): Promise<void> {
  const { types } = studio.get();
  const { form } = quick.get();
  if (!types || !form) return;
  try {
    const ready = await withMask(form);
    const document = quickDocument(ready, types);
    const workflow = withForm(toEditorForm(document, types), ready);
    const { id } = await submit(promptToRun(document, types), workflow);
    const jobs = [...quick.get().jobs, id].slice(-50);
    quick.set({ jobs, chosen: undefined });
    remember("quick.jobs", jobs);
    changeForm({ ...(ready.start ? { start: ready.start } : {}), ...(form.newSeeds ? { seed: randomSeed() } : {}) });
  } catch (error) {
    toast((error as Error).message, "bad");
  }
}

export async function openAsGraph(): Promise<void> {
  const { types } = studio.get();
  const { form } = quick.get();
  if (!types || !form) return;
  openDocument(quickDocument(await withMask(form), types), form.prompt.slice(0, 40) || "Untitled");
  show("graph");
}

function sizeOf(file: Blob): Promise<{ width: number; height: number }> {
  return createImageBitmap(file).then((bitmap) => {
    const size = { width: bitmap.width, height: bitmap.height };
    bitmap.close();
    return size;
  });
}

export async function startFrom(file: Blob, name: string, painting = false): Promise<void> {
  try {
    const { width, height } = await sizeOf(file);
    const image = await upload(file, name);
    await loadTypes();
    const whole = (side: number) => Math.max(64, Math.round(side / 8) * 8);
    changeForm({ start: { image, width, height, denoise: painting ? 1 : 0.6 }, width: whole(width), height: whole(height) });
    quick.set({ painting });
  } catch (error) {
    toast(`${name} cannot be used: ${(error as Error).message}`, "bad");
  }
}
