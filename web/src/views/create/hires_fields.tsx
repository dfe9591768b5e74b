import { Slider } from "../../design/slider.tsx";
import { changeForm } from "../../workspace/quick_form.ts";
import type { FormProps } from "./form_props.ts";

export function HiresFields({ form }: FormProps) {
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
          <span>Render a small image first, then upscale it</span>
        </label>
        {hires && (
          <>
            <Slider label="Upscale by" min={1.1} max={3} step={0.05} value={hires.scale} onChange={(scale) => changeForm({ hires: { ...hires, scale: Number(scale) } })} />
            <Slider label="Hires steps" whole min={1} max={60} value={hires.steps} onChange={(steps) => changeForm({ hires: { ...hires, steps: Number(steps) } })} />
            <Slider label="Hires denoising strength" min={0.1} max={1} step={0.01} value={hires.denoise} onChange={(denoise) => changeForm({ hires: { ...hires, denoise: Number(denoise) } })} />
          </>
        )}
      </div>
    </details>
  );
}
