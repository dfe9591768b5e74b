/** X/Y/Z grids: one quick form, varied along up to three axes. */
import { randomSeed } from "../document/seeds.ts";
import type { QuickForm } from "./quick.ts";

export const AXIS_NAMES = {
  none: "Nothing",
  seed: "Seed",
  steps: "Steps",
  cfg: "CFG",
  sampler: "Sampler",
  scheduler: "Scheduler",
  prompt: "Words of the prompt",
  model: "Model",
  lora: "Weight of the first LoRA",
  denoise: "How much changes",
} as const;

export type AxisKind = keyof typeof AXIS_NAMES;

export interface Axis {
  readonly kind: AxisKind;
  /** As typed: parts separated by commas. */
  readonly values: string;
}

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

const NUMERIC: ReadonlySet<AxisKind> = new Set(["seed", "steps", "cfg", "lora", "denoise"]);
export const MOST_CELLS = 400;
const NUMBER = "-?\\d+(?:\\.\\d+)?";
const RANGE = new RegExp(`^(${NUMBER})\\s*-\\s*(${NUMBER})(?:\\s*\\(\\s*\\+?(${NUMBER})\\s*\\)|\\s*\\[\\s*(\\d+)\\s*\\])?$`);

const tidy = (value: number): string => String(Number(value.toFixed(6)));

/** AUTOMATIC1111's ranges: `1-5`, `1-9 (+2)` by steps of two, `0-1 [5]` in five parts. */
function expand(part: string): string[] {
  const found = RANGE.exec(part);
  if (!found) return [part];
  const [from, to] = [Number(found[1]), Number(found[2])];
  const count = found[4] === undefined ? undefined : Number(found[4]);
  if (count !== undefined) {
    return Array.from({ length: Math.min(count, MOST_CELLS) }, (_, index) => tidy(count === 1 ? from : from + ((to - from) * index) / (count - 1)));
  }
  const step = Math.abs(Number(found[3] ?? 1));
  if (step === 0) return [part];
  const length = Math.min(Math.floor(Math.abs(to - from) / step + 1e-9) + 1, MOST_CELLS);
  return Array.from({ length }, (_, index) => tidy(from + (to >= from ? 1 : -1) * step * index));
}

/** Quotes keep a comma inside a value. */
export function splitValues(text: string): string[] {
  const parts = text.match(/(?:"[^"]*"|[^,])+/g) ?? [];
  return parts.map((part) => part.trim().replace(/^"(.*)"$/, "$1")).filter((part) => part !== "");
}

/** Throws an Error that says which value is wrong. */
export function axisValues({ kind, values }: Axis): string[] {
  if (kind === "none") return [""];
  const parts = splitValues(values);
  if (!NUMERIC.has(kind)) return parts.length ? parts : [""];
  const expanded = parts.flatMap(expand);
  for (const value of expanded) {
    const whole = kind === "seed" || kind === "steps";
    if (whole ? !/^\d+$/.test(value) : !new RegExp(`^${NUMBER}$`).test(value)) {
      throw new Error(`${AXIS_NAMES[kind]}: “${value}” is not ${whole ? "a whole number" : "a number"}.`);
    }
  }
  return expanded.length ? expanded : [""];
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
  if (axis.kind === "lora" && form.loras.length === 0) throw new Error("The form has no LoRA whose weight could change.");
  if (axis.kind === "denoise" && !form.start) throw new Error("The form starts from no picture.");
}

/** A form with changing seeds gets one seed for all cells, so that only the axes differ. */
export function makeGrid(form: QuickForm, axes: { x: Axis; y: Axis; z: Axis }): Grid {
  for (const axis of Object.values(axes)) check(form, axis);
  const base = { ...form, batch: 1, seed: form.newSeeds ? randomSeed() : form.seed };
  const [x, y, z] = [axisValues(axes.x), axisValues(axes.y), axisValues(axes.z)];
  if (x.length * y.length * z.length > MOST_CELLS) throw new Error(`That would be ${x.length * y.length * z.length} pictures; at most ${MOST_CELLS} are made at once.`);
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
