import { Button } from "../../design/button.tsx";
import { Labelled } from "../../design/labelled.tsx";
import { Select } from "../../design/select.tsx";
import { choices, defaultsFor } from "../../forms/quick.ts";
import { changeForm, openAsGraph, renderForm } from "../../workspace/quick_form.ts";
import { RenderButton } from "../parts/render_button.tsx";
import { useKeyDown } from "../parts/use_key_down.ts";
import type { FormProps } from "./form_props.ts";
import { HiresFields } from "./hires_fields.tsx";
import { ImageToImageFields } from "./image_to_image_fields.tsx";
import { LoraFields } from "./lora_fields.tsx";
import { PromptFields } from "./prompt_fields.tsx";
import { SamplingFields } from "./sampling_fields.tsx";
import { SizeFields } from "./size_fields.tsx";

export function QuickFormPanel({ types, form }: FormProps) {
  useKeyDown((event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    void renderForm();
  });
  const parts = { types, form };
  const models = choices(types, "CheckpointLoaderSimple", "ckpt_name");
  return (
    <section className="quick" aria-label="What to render">
      <div className="quick-scroll">
        <PromptFields {...parts} />
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
        <SizeFields {...parts} />
        <SamplingFields {...parts} />
        <ImageToImageFields {...parts} />
        <LoraFields {...parts} />
        <HiresFields {...parts} />
      </div>
      <div className="quick-foot">
        <Button icon="graph" label="Show as graph" hint="Opens this form's state as a graph" onClick={() => void openAsGraph()} />
        <RenderButton hint="Ctrl Enter" onClick={() => void renderForm()} />
      </div>
    </section>
  );
}
