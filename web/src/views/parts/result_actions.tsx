/** What can be done with an image, wherever it is seen. */
import { Button } from "../../design/button.tsx";
import { formOf } from "../../forms/quick.ts";
import { imageUrl } from "../../service/images.ts";
import { mayRender, projects } from "../../service/projects.ts";
import type { Result } from "../../service/results.ts";
import { studio } from "../../service/studio.ts";
import { fetchBytes } from "../../service/transfers.ts";
import { show } from "../../state/routes.ts";
import { useStore } from "../../state/store.ts";
import { guarded, toast } from "../../state/toasts.ts";
import { openDocument } from "../../workspace/graph.ts";
import { copyImage, openImage, saveAsIs, saveClean } from "../../workspace/image_files.ts";
import { inspectImage } from "../../workspace/inspected.ts";
import { changeForm, quick, startFrom } from "../../workspace/quick_form.ts";
import { documentOf, sameAgain, vary } from "../../workspace/reruns.ts";

export function ResultActions({ result, labels = true }: { result: Result; labels?: boolean }) {
  const types = useStore(studio, (state) => state.types);
  const allowed = useStore(projects, mayRender);
  const { image, job } = result;
  if (!types) return null;
  const submitAndWatch = (act: () => Promise<string>) =>
    guarded(async () => {
      const id = await act();
      quick.set((state) => ({ jobs: [...state.jobs, id], chosen: undefined }));
      inspectImage(undefined);
      toast("Added to the queue.");
    });
  const use = (painting: boolean) =>
    guarded(async () => {
      await startFrom(new Blob([await fetchBytes(imageUrl(image))], { type: "image/png" }), image.filename, painting);
      inspectImage(undefined);
      show("create");
    });
  const form = formOf(job.workflow);
  return (
    <div className="row result-actions">
      {allowed && (
        <>
          <Button icon="again" label="Same again" small bare={!labels} onClick={() => void submitAndWatch(() => sameAgain(job, types))} />
          <Button icon="vary" label="Vary" small bare={!labels} hint="The same with another seed" onClick={() => void submitAndWatch(() => vary(job, types))} />
          <Button icon="image" label="Image to image" small bare onClick={() => void use(false)} />
          <Button icon="brush" label="Inpaint" small bare onClick={() => void use(true)} />
        </>
      )}
      {form && (
        <Button
          icon="create"
          label="Use its settings"
          small
          bare
          onClick={() => {
            changeForm({ ...form, newSeeds: false });
            inspectImage(undefined);
            show("create");
          }}
        />
      )}
      <Button
        icon="graph"
        label="Open its graph"
        small
        bare
        onClick={() => {
          openDocument(documentOf(job, types), result.facts.prompt.slice(0, 40) || image.filename);
          inspectImage(undefined);
          show("graph");
        }}
      />
      <Button icon="copy" label="Copy image" small bare onClick={() => void copyImage(image)} />
      <Button icon="out" label="Open in a new tab" small bare onClick={() => openImage(image)} />
      <Button icon="save" label="Save" small bare onClick={() => void saveAsIs(image)} />
      <Button icon="lock" label="Save without metadata" small bare onClick={() => void saveClean(image)} />
    </div>
  );
}
