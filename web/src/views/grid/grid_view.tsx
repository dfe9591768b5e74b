/** One form, varied along up to three axes, as a labelled grid that fills while it renders. */
import { useEffect, useMemo } from "react";
import { Button } from "../../design/button.tsx";
import { Empty } from "../../design/empty.tsx";
import { download } from "../../files/browser_files.ts";
import type { ImageFile } from "../../service/images.ts";
import { studio } from "../../service/studio.ts";
import { cancel } from "../../service/submit.ts";
import { show } from "../../state/routes.ts";
import { useStore } from "../../state/store.ts";
import { guarded } from "../../state/toasts.ts";
import { grid, imageOf, sendGrid } from "../../workspace/grid.ts";
import { loadForm, quick } from "../../workspace/quick_form.ts";
import { RenderButton } from "../parts/render_button.tsx";
import { AxisFields } from "./axis_fields.tsx";
import { drawGrid } from "./grid_image.ts";
import { GridTable } from "./grid_table.tsx";

export function GridView() {
  const types = useStore(studio, (state) => state.types);
  const form = useStore(quick, (state) => state.form);
  const queue = useStore(studio, (state) => state.queue);
  const finished = useStore(studio, (state) => state.finished);
  const { axes, sent, sending } = useStore(grid, (state) => state);
  useEffect(() => {
    if (types) loadForm(types);
  }, [types]);
  const jobs = useMemo(() => new Map([...queue, ...finished].map((job) => [job.id, job])), [queue, finished]);
  const images = useMemo(() => {
    const found = new Map<string, ImageFile>();
    for (const { job } of sent?.cells ?? []) {
      const image = imageOf(jobs.get(job));
      if (image) found.set(job, image);
    }
    return found;
  }, [sent, jobs]);
  if (!types || !form) return <p className="waiting soft">Waiting for the server…</p>;

  const left = (sent?.cells ?? []).filter(({ job }) => ["pending", "running"].includes(jobs.get(job)?.state ?? "")).map(({ job }) => job);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Grid</h1>
        <span className="soft clip" title={form.prompt}>
          {form.prompt || "The form has no prompt yet"}
        </span>
        <span className="grow" />
        <Button icon="create" label="Change the form" small onClick={() => show("create")} />
        {left.length > 0 && <Button icon="close" label={`Cancel ${left.length}`} small onClick={() => void guarded(() => cancel(left))} />}
        <Button
          icon="save"
          label="Save the grid"
          small
          disabled={!sent || images.size === 0}
          onClick={() => sent && void guarded(() => drawGrid(sent, images).then((blob) => download(blob, "grid.png")))}
        />
        <RenderButton label="Render the grid" small disabled={sending} onClick={() => void guarded(() => sendGrid(form, types))} />
      </div>
      <div className="page-body" tabIndex={0} role="region" aria-label="Axes and grid">
        <div className="axes">
          {(["x", "y", "z"] as const).map((name) => (
            <AxisFields key={name} name={name} axes={axes} types={types} />
          ))}
        </div>
        {sent ? (
          <>
            <p className="faint grid-state">
              {images.size} of {sent.cells.length} rendered
            </p>
            <GridTable sent={sent} jobs={jobs} />
          </>
        ) : (
          <Empty icon="grid" title="Compare many at once">
            <p>Choose what changes along each axis. Ranges may be written as 1-5, 2-8 (+2) or 0-1 [5]; for search and replace, the first value is replaced by the others.</p>
          </Empty>
        )}
      </div>
    </div>
  );
}
