import { useEffect } from "react";
import { chooseFiles } from "../../app/download.ts";
import { useStore } from "../../app/store.ts";
import { Button, Labelled, NumberField, Select, Slider } from "../../design/fields.tsx";
import { randomSeed } from "../../document/seeds.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { choices, defaultsFor, type QuickForm } from "../../forms/quick.ts";
import { pictureUrl } from "../../service/jobs.ts";
import { RenderButton } from "../render_button.tsx";
import { changeForm, openAsGraph, quick, renderForm, startFrom } from "./form_state.ts";

interface PartProps {
  types: NodeTypes;
  form: QuickForm;
}

function Words({ form }: PartProps) {
  return (
    <>
      <Labelled label="Prompt">
        {(id) => (
          <textarea
            id={id}
            className="field"
            rows={4}
            value={form.prompt}
            placeholder="What the picture shows"
            onChange={(event) => changeForm({ prompt: event.target.value })}
          />
        )}
      </Labelled>
      <Labelled label="Negative prompt">
        {(id) => (
          <textarea
            id={id}
            className="field"
            rows={2}
            value={form.negative}
            placeholder="What it does not show"
            onChange={(event) => changeForm({ negative: event.target.value })}
          />
        )}
      </Labelled>
    </>
  );
}

const RATIOS: readonly (readonly [string, number, number])[] = [
  ["1:1", 1, 1],
  ["4:3", 1.15, 0.86],
  ["3:2", 1.22, 0.82],
  ["16:9", 1.33, 0.75],
];

function SizePart({ form }: PartProps) {
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

function Sampling({ types, form }: PartProps) {
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
              <Button icon="dice" label="New seed" bare onClick={() => changeForm({ seed: randomSeed() })} />
              <Button
                icon="lock"
                label="Keep this seed"
                bare
                pressed={!form.newSeeds}
                hint={form.newSeeds ? "A new seed after each render" : "The seed stays"}
                onClick={() => changeForm({ newSeeds: !form.newSeeds })}
              />
            </div>
          )}
        </Labelled>
        <Labelled label="Pictures">
          {(id) => <NumberField id={id} whole value={form.batch} min={1} max={16} onChange={(batch) => changeForm({ batch: Number(batch) })} />}
        </Labelled>
      </div>
    </>
  );
}

function Loras({ types, form }: PartProps) {
  const names = choices(types, "LoraLoader", "lora_name");
  const change = (index: number, part: Partial<QuickForm["loras"][number]>) =>
    changeForm({ loras: form.loras.map((lora, at) => (at === index ? { ...lora, ...part } : lora)) });
  return (
    <details className="fold" open={form.loras.length > 0}>
      <summary>
        LoRAs <span className="faint">{form.loras.length || ""}</span>
      </summary>
      <div className="stack">
        {form.loras.map((lora, index) => (
          <div className="lora" key={index}>
            <div className="row">
              <Select className="grow" label={`LoRA ${index + 1}`} value={lora.name} choices={names} onChange={(name) => change(index, { name })} />
              <Button
                icon="close"
                label={`Remove LoRA ${index + 1}`}
                bare
                kind="quiet"
                onClick={() => changeForm({ loras: form.loras.filter((_, at) => at !== index) })}
              />
            </div>
            <Slider label="Weight" min={-1} max={2} step={0.05} value={lora.weight} onChange={(weight) => change(index, { weight: Number(weight) })} />
          </div>
        ))}
        {names.length > 0 ? (
          <Button icon="plus" label="Add a LoRA" small onClick={() => changeForm({ loras: [...form.loras, { name: names[0]!, weight: 1 }] })} />
        ) : (
          <p className="faint">No LoRAs found. They belong into the folder “loras” of the models.</p>
        )}
      </div>
    </details>
  );
}

export const inputPicture = (name: string) => {
  const slash = name.lastIndexOf("/");
  return { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)), type: "input" };
};

function StartPart({ form }: PartProps) {
  const painting = useStore(quick, (state) => state.painting);
  const { start } = form;
  const choose = async () => {
    const [file] = await chooseFiles("image/png,image/jpeg,image/webp");
    if (file) await startFrom(file, file.name);
  };
  return (
    <details className="fold" open={start !== undefined}>
      <summary>Start from a picture</summary>
      <div
        className="stack"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          const file = event.dataTransfer.files[0];
          event.preventDefault();
          if (file) void startFrom(file, file.name);
        }}
      >
        {!start && <Button icon="image" label="Choose, or drop one here" onClick={choose} />}
        {start && (
          <>
            <div className="start-row">
              <img src={pictureUrl(inputPicture(start.image))} alt="The picture to start from" />
              <div className="stack grow">
                <span className="clip" title={start.image}>
                  {start.image}
                </span>
                <span className="faint">
                  {start.width} × {start.height}
                </span>
                <div className="row">
                  <Button icon="image" label="Another picture" bare small onClick={choose} />
                  <Button
                    icon="brush"
                    label="Paint a mask"
                    small
                    pressed={painting}
                    onClick={() => {
                      quick.set({ painting: !painting });
                      changeForm({ start: { ...start, mask: undefined } });
                    }}
                  />
                  <Button
                    icon="close"
                    label="Start from noise again"
                    bare
                    small
                    kind="quiet"
                    onClick={() => {
                      quick.set({ painting: false });
                      changeForm({ start: undefined });
                    }}
                  />
                </div>
              </div>
            </div>
            <Slider
              label="How much changes"
              min={0.05}
              max={1}
              step={0.01}
              value={start.denoise}
              onChange={(denoise) => changeForm({ start: { ...start, denoise: Number(denoise) } })}
            />
          </>
        )}
      </div>
    </details>
  );
}

function HiresPart({ form }: PartProps) {
  const { hires } = form;
  return (
    <details className="fold" open={hires !== undefined}>
      <summary>Hires fix</summary>
      <div className="stack">
        <label className="row">
          <input
            type="checkbox"
            checked={hires !== undefined}
            onChange={(event) => changeForm({ hires: event.target.checked ? { scale: 1.5, steps: Math.ceil(form.steps * 0.7), denoise: 0.5 } : undefined })}
          />
          <span>Render small, then larger with more detail</span>
        </label>
        {hires && (
          <>
            <Slider label="Times larger" min={1.1} max={3} step={0.05} value={hires.scale} onChange={(scale) => changeForm({ hires: { ...hires, scale: Number(scale) } })} />
            <Slider label="Steps of the second pass" whole min={1} max={60} value={hires.steps} onChange={(steps) => changeForm({ hires: { ...hires, steps: Number(steps) } })} />
            <Slider label="How much it changes" min={0.1} max={1} step={0.01} value={hires.denoise} onChange={(denoise) => changeForm({ hires: { ...hires, denoise: Number(denoise) } })} />
          </>
        )}
      </div>
    </details>
  );
}

export function QuickFormPanel({ types, form }: PartProps) {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      void renderForm();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  const parts = { types, form };
  const models = choices(types, "CheckpointLoaderSimple", "ckpt_name");
  return (
    <section className="quick" aria-label="What to render">
      <div className="quick-scroll">
        <Words {...parts} />
        <Labelled label="Model">
          {(id) => (
            <Select
              id={id}
              value={form.model}
              choices={models}
              onChange={(model) => {
                const { width, height } = defaultsFor(model);
                const same = defaultsFor(form.model).width === width;
                changeForm(same ? { model } : { model, width, height });
              }}
            />
          )}
        </Labelled>
        <SizePart {...parts} />
        <Sampling {...parts} />
        <StartPart {...parts} />
        <Loras {...parts} />
        <HiresPart {...parts} />
      </div>
      <div className="quick-foot">
        <Button icon="graph" label="Show as graph" hint="Opens this form's state as a graph" onClick={() => void openAsGraph()} />
        <RenderButton hint="Ctrl Enter" onClick={() => void renderForm()} />
      </div>
    </section>
  );
}
