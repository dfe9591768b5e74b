import { Button } from "../../design/button.tsx";
import { Select } from "../../design/select.tsx";
import { Slider } from "../../design/slider.tsx";
import { choices, type QuickForm } from "../../forms/quick.ts";
import { changeForm } from "../../workspace/quick_form.ts";
import type { FormProps } from "./form_props.ts";

export function LoraFields({ types, form }: FormProps) {
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
            <Slider label="Strength" min={-1} max={2} step={0.05} value={lora.weight} onChange={(weight) => change(index, { weight: Number(weight) })} />
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
