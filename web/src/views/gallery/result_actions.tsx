/** What can be done with a picture, wherever it is seen. */
import { show } from "../../app/routes.ts";
import { useStore } from "../../app/store.ts";
import { toast } from "../../app/toasts.ts";
import { openDocument } from "../../app/workspace.ts";
import { Button } from "../../design/fields.tsx";
import { formOf } from "../../forms/quick.ts";
import { pictureUrl } from "../../service/jobs.ts";
import { mayRender, projects } from "../../service/projects.ts";
import { documentOf, sameAgain, vary, type Result } from "../../service/results.ts";
import { fetchBytes, studio } from "../../service/studio.ts";
import { changeForm, quick, startFrom } from "../create/form_state.ts";
import { inspectPicture } from "../graph/inspect.ts";
import { copyPicture, guarded, openPicture, saveAsIs, saveClean } from "./picture_files.ts";

export function ResultActions({ result, labels = true }: { result: Result; labels?: boolean }) {
  const types = useStore(studio, (state) => state.types);
  const allowed = useStore(projects, mayRender);
  const { picture, job } = result;
  if (!types) return null;
  const submitAndWatch = (act: () => Promise<string>) =>
    guarded(async () => {
      const id = await act();
      quick.set((state) => ({ jobs: [...state.jobs, id], chosen: undefined }));
      inspectPicture(undefined);
      toast("Added to the queue.");
    });
  const use = (painting: boolean) =>
    guarded(async () => {
      await startFrom(new Blob([await fetchBytes(pictureUrl(picture))], { type: "image/png" }), picture.filename, painting);
      inspectPicture(undefined);
      show("create");
    });
  const form = formOf(job.workflow);
  return (
    <div className="row result-actions">
      {allowed && (
        <>
          <Button icon="again" label="Same again" small bare={!labels} onClick={() => void submitAndWatch(() => sameAgain(job, types))} />
          <Button icon="vary" label="Vary" small bare={!labels} hint="The same with another seed" onClick={() => void submitAndWatch(() => vary(job, types))} />
          <Button icon="image" label="Start from it" small bare onClick={() => void use(false)} />
          <Button icon="brush" label="Paint over it" small bare onClick={() => void use(true)} />
        </>
      )}
      {form && (
        <Button
          icon="create"
          label="Take its settings"
          small
          bare
          onClick={() => {
            changeForm({ ...form, newSeeds: false });
            inspectPicture(undefined);
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
          openDocument(documentOf(job, types), result.facts.prompt.slice(0, 40) || picture.filename);
          inspectPicture(undefined);
          show("graph");
        }}
      />
      <Button icon="copy" label="Copy the picture" small bare onClick={() => void copyPicture(picture)} />
      <Button icon="out" label="Open in a new tab" small bare onClick={() => openPicture(picture)} />
      <Button icon="save" label="Save" small bare onClick={() => void saveAsIs(picture)} />
      <Button icon="lock" label="Save without metadata" small bare onClick={() => void saveClean(picture)} />
    </div>
  );
}
