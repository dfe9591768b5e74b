/** The axes of a grid, and the values that are typed for them. */
export const AXIS_NAMES = {
  none: "Nothing",
  seed: "Seed",
  steps: "Steps",
  cfg: "CFG",
  sampler: "Sampler",
  scheduler: "Scheduler",
  prompt: "Prompt search and replace",
  model: "Model",
  lora: "Strength of the first LoRA",
  denoise: "Denoising strength",
} as const;

export type AxisKind = keyof typeof AXIS_NAMES;

export interface Axis {
  readonly kind: AxisKind;
  /** As typed: parts separated by commas. */
  readonly values: string;
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
