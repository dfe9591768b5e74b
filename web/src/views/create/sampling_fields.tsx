import { Button } from "../../design/button.tsx";
import { Labelled } from "../../design/labelled.tsx";
import { NumberField } from "../../design/number_field.tsx";
import { Select } from "../../design/select.tsx";
import { Slider } from "../../design/slider.tsx";
import { randomSeed } from "../../document/seeds.ts";
import { choices } from "../../forms/quick.ts";
import { changeForm } from "../../workspace/quick_form.ts";
import type { FormProps } from "./form_props.ts";

export function SamplingFields({ types, form }: FormProps) {
  return (
    <>
      <Slider label="Steps" whole min={1} max={60} value={form.steps} onChange={(steps) => changeForm({ steps: Number(steps) })} />
      <Slider label="CFG" min={1} max={15} step={0.1} value={form.cfg} onChange={(cfg) => changeForm({ cfg: Number(cfg) })} />
      <div className="pair">
        <Labelled label="Sampler">
          {(id) => <Select id={id} value={form.sampler} choices={choices(types, "KSampler", "sampler_name")} onChange={(sampler) => changeForm({ sampler })} />}
        </Labelled>
        <Labelled label="Scheduler">
          {(id) => <Select id={id} value={form.scheduler} choices={choices(types, "KSampler", "scheduler")} onChange={(scheduler) => changeForm({ scheduler })} />}
        </Labelled>
      </div>
      <div className="pair seed-pair">
        <Labelled label="Seed">
          {(id) => (
            <div className="row">
              <NumberField id={id} whole value={form.seed} min={0} max={2 ** 64} onChange={(seed) => changeForm({ seed })} />
              <Button icon="dice" label="Random seed" bare onClick={() => changeForm({ seed: randomSeed() })} />
              <Button
                icon="lock"
                label="Fixed seed"
                bare
                pressed={!form.newSeeds}
                hint={form.newSeeds ? "Randomize: a new seed after each job" : "Fixed: the same seed for each job"}
                onClick={() => changeForm({ newSeeds: !form.newSeeds })}
              />
            </div>
          )}
        </Labelled>
        <Labelled label="Batch size">
          {(id) => <NumberField id={id} whole value={form.batch} min={1} max={16} onChange={(batch) => changeForm({ batch: Number(batch) })} />}
        </Labelled>
      </div>
    </>
  );
}
