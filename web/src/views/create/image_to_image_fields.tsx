import { Button } from "../../design/button.tsx";
import { Slider } from "../../design/slider.tsx";
import { chooseFiles } from "../../files/browser_files.ts";
import { imageUrl, inputImage } from "../../service/images.ts";
import { useStore } from "../../state/store.ts";
import { changeForm, quick, startFrom } from "../../workspace/quick_form.ts";
import type { FormProps } from "./form_props.ts";

export function ImageToImageFields({ form }: FormProps) {
  const painting = useStore(quick, (state) => state.painting);
  const { start } = form;
  const choose = async () => {
    const [file] = await chooseFiles("image/png,image/jpeg,image/webp");
    if (file) await startFrom(file, file.name);
  };
  return (
    <details className="fold" open={start !== undefined}>
      <summary>Image to image</summary>
      <div
        className="stack"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          const file = event.dataTransfer.files[0];
          event.preventDefault();
          if (file) void startFrom(file, file.name);
        }}
      >
        {!start && <Button icon="image" label="Choose an image, or drop one here" onClick={choose} />}
        {start && (
          <>
            <div className="start-row">
              <img src={imageUrl(inputImage(start.image))} alt="Input" />
              <div className="stack grow">
                <span className="clip" title={start.image}>
                  {start.image}
                </span>
                <span className="faint">
                  {start.width} × {start.height}
                </span>
                <div className="row">
                  <Button icon="image" label="Another image" bare small onClick={choose} />
                  <Button
                    icon="brush"
                    label="Inpaint"
                    small
                    pressed={painting}
                    onClick={() => {
                      quick.set({ painting: !painting });
                      changeForm({ start: { ...start, mask: undefined } });
                    }}
                  />
                  <Button
                    icon="close"
                    label="Remove the image"
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
              label="Denoising strength"
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
