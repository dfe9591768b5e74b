import { Labelled } from "../../design/labelled.tsx";
import { Slider } from "../../design/slider.tsx";
import type { InputSpec } from "../../document/node_types.ts";
import { change } from "../parts/change_input.ts";
import { InputField } from "../parts/input_field.tsx";
import type { Exposed } from "./exposed_inputs.ts";

/** Ranges worth a slider: both ends known, and not the width of all numbers. */
const SLIDERS: Record<string, readonly [number, number, number]> = { steps: [1, 60, 1], cfg: [1, 15, 0.1], denoise: [0, 1, 0.01] };

function sliderRange(spec: InputSpec): readonly [number, number, number] | undefined {
  if (spec.isSeed || (spec.type !== "INT" && spec.type !== "FLOAT")) return undefined;
  const known = SLIDERS[spec.name];
  if (known) return known;
  const { min, max } = spec;
  if (min === undefined || max === undefined || max - min > 64) return undefined;
  return [min, max, spec.step ?? (spec.type === "INT" ? 1 : 0.01)];
}

export function Field({ item }: { item: Exposed }) {
  const range = sliderRange(item.spec);
  const value = item.node.values[item.spec.name] ?? item.spec.initial;
  if (range) {
    const [min, max, step] = range;
    return <Slider label={item.label} min={min} max={max} step={step} whole={item.spec.type === "INT"} value={value} onChange={(next) => change(item, next)} />;
  }
  return <Labelled label={item.label}>{(id) => <InputField {...item} id={id} />}</Labelled>;
}
