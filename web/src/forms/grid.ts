/** X/Y/Z grids: one quick form, varied along up to three axes. */
import { randomSeed } from "../document/seeds.ts";
import { type Axis, type AxisKind, axisValues, MOST_CELLS, splitValues } from "./axes.ts";
import type { QuickForm } from "./quick.ts";

export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly form: QuickForm;
}

export interface Grid {
  readonly labels: { readonly x: readonly string[]; readonly y: readonly string[]; readonly z: readonly string[] };
  readonly cells: readonly Cell[];
}

function vary(form: QuickForm, kind: AxisKind, value: string, first: string): QuickForm {
  if (value === "") return form;
  const number = Number(value);
  switch (kind) {
    case "none":
      return form;
    case "seed":
      return { ...form, seed: Number.isSafeInteger(number) ? number : BigInt(value) };
    case "steps":
      return { ...form, steps: number };
    case "cfg":
      return { ...form, cfg: number };
    case "sampler":
      return { ...form, sampler: value };
    case "scheduler":
      return { ...form, scheduler: value };
    case "model":
      return { ...form, model: value };
    case "prompt":
      return { ...form, prompt: form.prompt.replaceAll(first, value), negative: form.negative.replaceAll(first, value) };
    case "lora":
      return { ...form, loras: form.loras.map((lora, index) => (index === 0 ? { ...lora, weight: number } : lora)) };
    case "denoise":
      return form.start ? { ...form, start: { ...form.start, denoise: number } } : form;
  }
}

function check(form: QuickForm, axis: Axis): void {
  if (axis.kind === "prompt") {
    const [first] = splitValues(axis.values);
    if (first && !form.prompt.includes(first) && !form.negative.includes(first)) {
      throw new Error(`The prompt does not contain “${first}”: the first value is what the others replace.`);
    }
  }
  if (axis.kind === "lora" && form.loras.length === 0) throw new Error("The form has no LoRA whose strength could change.");
  if (axis.kind === "denoise" && !form.start) throw new Error("The form has no input image: denoising strength needs image to image.");
}

/** A form with changing seeds gets one seed for all cells, so that only the axes differ. */
export function makeGrid(form: QuickForm, axes: { x: Axis; y: Axis; z: Axis }): Grid {
  for (const axis of Object.values(axes)) check(form, axis);
  const base = { ...form, batch: 1, seed: form.newSeeds ? randomSeed() : form.seed };
  const [x, y, z] = [axisValues(axes.x), axisValues(axes.y), axisValues(axes.z)];
  if (x.length * y.length * z.length > MOST_CELLS) throw new Error(`That would be ${x.length * y.length * z.length} images; at most ${MOST_CELLS} are made at once.`);
  const cells: Cell[] = [];
  for (const [zAt, zValue] of z.entries()) {
    for (const [yAt, yValue] of y.entries()) {
      for (const [xAt, xValue] of x.entries()) {
        let cell = vary(base, axes.x.kind, xValue, x[0]!);
        cell = vary(cell, axes.y.kind, yValue, y[0]!);
        cell = vary(cell, axes.z.kind, zValue, z[0]!);
        cells.push({ x: xAt, y: yAt, z: zAt, form: cell });
      }
    }
  }
  return { labels: { x, y, z }, cells };
}
