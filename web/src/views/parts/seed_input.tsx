import { Button } from "../../design/button.tsx";
import { NumberField } from "../../design/number_field.tsx";
import { Select } from "../../design/select.tsx";
import { setSeedControl } from "../../document/commands.ts";
import type { SeedControl } from "../../document/model.ts";
import { randomSeed } from "../../document/seeds.ts";
import { edit } from "../../workspace/graph.ts";
import { change, type InputProps } from "./change_input.ts";
import { readable } from "./readable.ts";

export function SeedInput(props: InputProps) {
  const control = props.node.seedControl ?? "fixed";
  return (
    <div className="row seed">
      <NumberField
        id={props.id}
        whole
        label={readable(props.spec.name)}
        value={props.node.values[props.spec.name] ?? props.spec.initial}
        min={props.spec.min}
        max={props.spec.max}
        onChange={(value) => change(props, value)}
      />
      <Button icon="dice" label="Random seed" bare small onClick={() => change(props, randomSeed(props.spec.max))} />
      <Select
        label="Control after generate"
        value={control}
        choices={["fixed", "randomize", "increment", "decrement"]}
        onChange={(value) => edit("Set seed control", setSeedControl(props.node.id, value as SeedControl))}
      />
    </div>
  );
}
