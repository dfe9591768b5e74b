/** What can be done with a picture, wherever it is seen. */
import { download } from "../../app/download.ts";
import { show } from "../../app/routes.ts";
import { useStore } from "../../app/store.ts";
import { toast } from "../../app/toasts.ts";
import { openDocument } from "../../app/workspace.ts";
import { Button } from "../../design/fields.tsx";
import { withoutTexts } from "../../files/picture_metadata.ts";
import { zip } from "../../files/zip.ts";
import { formOf } from "../../forms/quick.ts";
import { pictureUrl, type Picture } from "../../service/jobs.ts";
import { documentOf, sameAgain, vary, type Result } from "../../service/results.ts";
import { fetchBytes, studio } from "../../service/studio.ts";
import { changeForm, quick, startFrom } from "../create/form_state.ts";
import { inspectPicture } from "../graph/inspect.ts";

async function guarded(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    toast((error as Error).message, "bad");
  }
}

export const saveAsIs = (picture: Picture): Promise<void> =>
  guarded(async () => download(await fetchBytes(pictureUrl(picture)), picture.filename, "image/png"));

/** Pixels only: not a word of prompt, model or seed. */
export const saveClean = (picture: Picture): Promise<void> =>
  guarded(async () => download(withoutTexts(await fetchBytes(pictureUrl(picture))), picture.filename.replace(/(\.\w+)$/, "clean$1"), "image/png"));

export const saveAll = (pictures: readonly Picture[], clean: boolean): Promise<void> =>
  guarded(async () => {
    const entries = [];
    for (const picture of pictures) {
      const bytes = await fetchBytes(pictureUrl(picture));
      const name = picture.subfolder ? `${picture.subfolder}/${picture.filename}` : picture.filename;
      entries.push({ name, bytes: clean ? withoutTexts(bytes) : bytes });
    }
    download(zip(entries), clean ? "obscura-clean.zip" : "obscura.zip", "application/zip");
  });

export function ResultActions({ result, labels = true }: { result: Result; labels?: boolean }) {
  const types = useStore(studio, (state) => state.types);
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
      <Button icon="again" label="Same again" small bare={!labels} onClick={() => void submitAndWatch(() => sameAgain(job, types))} />
      <Button icon="vary" label="Vary" small bare={!labels} hint="The same with another seed" onClick={() => void submitAndWatch(() => vary(job, types))} />
      <Button icon="image" label="Start from it" small bare onClick={() => void use(false)} />
      <Button icon="brush" label="Paint over it" small bare onClick={() => void use(true)} />
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
      <Button icon="save" label="Save" small bare onClick={() => void saveAsIs(picture)} />
      <Button icon="lock" label="Save without metadata" small bare onClick={() => void saveClean(picture)} />
    </div>
  );
}
