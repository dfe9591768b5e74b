import { Button } from "../../design/button.tsx";
import type { Result } from "../../service/results.ts";
import { forget } from "../../service/submit.ts";
import { saveAll } from "../../workspace/image_files.ts";

/** What can be done with all that are selected. */
export function SelectionActions({ picked, onCompare, onClear }: { picked: readonly Result[]; onCompare: () => void; onClear: () => void }) {
  const images = picked.map(({ image }) => image);
  const take = () => {
    void forget([...new Set(picked.map(({ job }) => job.id))]);
    onClear();
  };
  return (
    <>
      <span className="soft">{picked.length} selected</span>
      <span className="grow" />
      <Button icon="compare" label="Compare" small disabled={picked.length < 2 || picked.length > 4} onClick={onCompare} />
      <Button icon="save" label="Download" small onClick={() => void saveAll(images, false)} />
      <Button icon="lock" label="Download clean" small hint="Without metadata" onClick={() => void saveAll(images, true)} />
      <Button icon="trash" label="Forget" small kind="danger" hint="Removes them from the gallery; the files stay in the output folder" onClick={take} />
      <Button icon="close" label="Select none" bare small kind="quiet" onClick={onClear} />
    </>
  );
}
