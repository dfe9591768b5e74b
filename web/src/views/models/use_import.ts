import { useCallback } from "react";
import { chooseFiles } from "../../files/browser_files.ts";
import { isModelFile } from "../../files/model_header.ts";
import type { Model } from "../../service/api_types.ts";
import { importModel } from "../../service/model_import.ts";
import { useDrops } from "../../state/drops.ts";
import { toast } from "../../state/toasts.ts";

/**
 * Takes model files that are dropped, and returns what asks for some. `kind` is that of files that do not say theirs;
 * `onImported` hears of each that came in.
 */
export function useImport(kind: string, onImported: (model: Model) => void): () => Promise<void> {
  const take = useCallback(
    (files: readonly File[]) => {
      const wanted = files.filter((file) => isModelFile(file.name));
      for (const file of wanted) {
        void importModel(file, kind).then((model) => {
          if (!model) return;
          onImported(model);
          toast(`${model.name} is there.`);
        });
      }
      return wanted.length > 0;
    },
    [kind, onImported],
  );
  useDrops("Drop model files to import them", take);
  return async () => {
    const files = await chooseFiles(".safetensors,.sft,.ckpt,.pt,.pth,.bin", true);
    if (files.length > 0 && !take(files)) toast("Model files end in .safetensors, .sft, .ckpt, .pt, .pth or .bin.", "bad");
  };
}
