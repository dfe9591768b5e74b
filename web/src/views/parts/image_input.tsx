import { useState } from "react";
import { Button } from "../../design/button.tsx";
import { Select } from "../../design/select.tsx";
import { chooseFiles } from "../../files/browser_files.ts";
import { imageUrl } from "../../service/images.ts";
import { loadTypes } from "../../service/studio.ts";
import { upload } from "../../service/transfers.ts";
import { toast } from "../../state/toasts.ts";
import { change, type InputProps } from "./change_input.ts";
import { readable } from "./readable.ts";

export function ImageInput(props: InputProps) {
  const [busy, setBusy] = useState(false);
  const name = String(props.node.values[props.spec.name] ?? props.spec.initial ?? "");
  const slash = name.lastIndexOf("/");
  const image = { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)), type: "input" };
  const take = async (file: File | undefined) => {
    if (!file) return;
    setBusy(true);
    try {
      const stored = await upload(file, file.name);
      await loadTypes();
      change(props, stored);
    } catch (error) {
      toast((error as Error).message, "bad");
    }
    setBusy(false);
  };
  return (
    <div
      className="image-input"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        void take(event.dataTransfer.files[0]);
      }}
    >
      <div className="row">
        <Select
          className="grow"
          label={readable(props.spec.name)}
          value={name}
          choices={props.spec.choices ?? []}
          onChange={(value) => change(props, value)}
        />
        <Button
          icon="folder"
          label="Upload an image"
          bare
          small
          disabled={busy}
          onClick={async () => take((await chooseFiles("image/png,image/jpeg,image/webp"))[0])}
        />
      </div>
      {name && <img src={imageUrl(image)} alt={name} draggable={false} />}
    </div>
  );
}
