import { useMemo } from "react";
import { Labelled } from "../../design/labelled.tsx";
import { Select } from "../../design/select.tsx";
import type { NodeTypes } from "../../document/node_types.ts";
import { AXIS_NAMES, type AxisKind, axisValues } from "../../forms/axes.ts";
import { choices } from "../../forms/quick.ts";
import { type Axes, changeAxis } from "../../workspace/grid.ts";
import { countText } from "../parts/counts.ts";

const EXAMPLES: Partial<Record<AxisKind, string>> = {
  seed: "1-4",
  steps: "10, 20, 30",
  cfg: "2-8 (+2)",
  prompt: "red, blue, green",
  lora: "0-1 [5]",
  denoise: "0.3, 0.5, 0.7",
};

const LISTED: Partial<Record<AxisKind, readonly [string, string]>> = {
  sampler: ["KSampler", "sampler_name"],
  scheduler: ["KSampler", "scheduler"],
  model: ["CheckpointLoaderSimple", "ckpt_name"],
};

export function AxisFields({ name, axes, types }: { name: keyof Axes; axes: Axes; types: NodeTypes }) {
  const axis = axes[name];
  const listed = LISTED[axis.kind];
  const count = useMemo(() => {
    try {
      return axisValues(axis).length;
    } catch {
      return 0;
    }
  }, [axis]);
  return (
    <div className="axis card">
      <Labelled label={`${name.toUpperCase()} axis`} aside={axis.kind === "none" ? undefined : <span className="faint">{countText(count, "value")}</span>}>
        {(id) => (
          <Select
            id={id}
            value={axis.kind}
            choices={Object.keys(AXIS_NAMES)}
            names={AXIS_NAMES}
            onChange={(kind) => changeAxis(name, { kind: kind as AxisKind, values: EXAMPLES[kind as AxisKind] ?? "" })}
          />
        )}
      </Labelled>
      {axis.kind !== "none" && (
        <input
          className="field"
          aria-label={`Values of the ${name.toUpperCase()} axis`}
          placeholder={EXAMPLES[axis.kind] ?? "Separated by commas"}
          value={axis.values}
          onChange={(event) => changeAxis(name, { values: event.target.value })}
        />
      )}
      {listed && (
        <Select
          label="Add a value"
          value=""
          choices={["", ...choices(types, ...listed)]}
          names={{ "": "Add…" }}
          onChange={(value) => value && changeAxis(name, { values: axis.values ? `${axis.values}, ${value}` : value })}
        />
      )}
    </div>
  );
}
