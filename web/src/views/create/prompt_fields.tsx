import { Labelled } from "../../design/labelled.tsx";
import { changeForm } from "../../workspace/quick_form.ts";
import type { FormProps } from "./form_props.ts";

export function PromptFields({ form }: FormProps) {
  return (
    <>
      <Labelled label="Prompt">
        {(id) => (
          <textarea
            id={id}
            className="field"
            rows={4}
            value={form.prompt}
            placeholder="What the image shows"
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
