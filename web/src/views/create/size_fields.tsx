import { Button } from "../../design/button.tsx";
import { Labelled } from "../../design/labelled.tsx";
import { NumberField } from "../../design/number_field.tsx";
import { defaultsFor } from "../../forms/quick.ts";
import { changeForm } from "../../workspace/quick_form.ts";
import type { FormProps } from "./form_props.ts";

const RATIOS: readonly (readonly [string, number, number])[] = [
  ["1:1", 1, 1],
  ["4:3", 1.15, 0.86],
  ["3:2", 1.22, 0.82],
  ["16:9", 1.33, 0.75],
];

export function SizeFields({ form }: FormProps) {
  const base = defaultsFor(form.model).width;
  const whole = (side: number) => Math.round((side * base) / 64) * 64;
  const upright = form.height > form.width;
  return (
    <Labelled
      label="Size"
      aside={
        <span className="ratios">
          {RATIOS.map(([name, wide, high]) => {
            const [width, height] = upright ? [whole(high), whole(wide)] : [whole(wide), whole(high)];
            return (
              <button
                key={name}
                type="button"
                className="ratio"
                aria-pressed={form.width === width && form.height === height}
                onClick={() => changeForm({ width, height })}
              >
                {name}
              </button>
            );
          })}
        </span>
      }
    >
      {(id) => (
        <div className="row">
          <NumberField id={id} whole label="Width" value={form.width} min={64} max={4096} step={64} onChange={(width) => changeForm({ width: Number(width) })} />
          <Button icon="swap" label="Swap width and height" bare kind="quiet" onClick={() => changeForm({ width: form.height, height: form.width })} />
          <NumberField whole label="Height" value={form.height} min={64} max={4096} step={64} onChange={(height) => changeForm({ height: Number(height) })} />
        </div>
      )}
    </Labelled>
  );
}
