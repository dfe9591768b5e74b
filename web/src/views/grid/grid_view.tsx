/** One form, varied along up to three axes, as a labelled sheet that fills while it renders. */
import { useEffect, useMemo } from "react";
import { download } from "../../app/download.ts";
import { show } from "../../app/routes.ts";
import { useStore } from "../../app/store.ts";
import { toast } from "../../app/toasts.ts";
import { Button, Empty, Labelled, Select } from "../../design/fields.tsx";
import { AXIS_NAMES, axisValues, type AxisKind } from "../../forms/grid.ts";
import { choices } from "../../forms/quick.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { pictureUrl, type Job, type Picture } from "../../service/jobs.ts";
import { cancel, studio } from "../../service/studio.ts";
import { loadForm, quick } from "../create/form_state.ts";
import { inspectPicture } from "../graph/inspect.ts";
import { RenderButton } from "../render_button.tsx";
import { drawSheet } from "./contact_sheet.ts";
import { changeAxis, grid, pictureOf, sendGrid, type Axes, type SentGrid } from "./grid_state.ts";

const EXAMPLES: Partial<Record<AxisKind, string>> = {
  seed: "1-4",
  steps: "10, 20, 30",
  cfg: "2-8 (+2)",
  prompt: "red, blue, green",
  lora: "0-1 [5]",
  denoise: "0.3, 0.5, 0.7",
};

const LISTED: Partial<Record<AxisKind, readonly [string, string]>> = {
  sampler: ["KSampler", "sampler_name"],
  scheduler: ["KSampler", "scheduler"],
  model: ["CheckpointLoaderSimple", "ckpt_name"],
};

function AxisFields({ name, axes, types }: { name: keyof Axes; axes: Axes; types: NodeTypes }) {
  const axis = axes[name];
  const listed = LISTED[axis.kind];
  const count = useMemo(() => {
    try {
      return axisValues(axis).length;
    } catch {
      return 0;
    }
  }, [axis]);
  return (
    <div className="axis card">
      <Labelled label={`${name.toUpperCase()} axis`} aside={axis.kind === "none" ? undefined : <span className="faint">{count} values</span>}>
        {(id) => (
          <Select
            id={id}
            value={axis.kind}
            choices={Object.keys(AXIS_NAMES)}
            names={AXIS_NAMES}
            onChange={(kind) => changeAxis(name, { kind: kind as AxisKind, values: EXAMPLES[kind as AxisKind] ?? "" })}
          />
        )}
      </Labelled>
      {axis.kind !== "none" && (
        <input
          className="field"
          aria-label={`Values of the ${name.toUpperCase()} axis`}
          placeholder={EXAMPLES[axis.kind] ?? "Separated by commas"}
          value={axis.values}
          onChange={(event) => changeAxis(name, { values: event.target.value })}
        />
      )}
      {listed && (
        <Select
          label="Add a value"
          value=""
          choices={["", ...choices(types, ...listed)]}
          names={{ "": "Add…" }}
          onChange={(value) => value && changeAxis(name, { values: axis.values ? `${axis.values}, ${value}` : value })}
        />
      )}
    </div>
  );
}

function Sheet({ sent, jobs }: { sent: SentGrid; jobs: ReadonlyMap<string, Job> }) {
  const at = new Map(sent.cells.map((cell) => [`${cell.x},${cell.y},${cell.z}`, cell.job]));
  const cell = (x: number, y: number, z: number) => {
    const id = at.get(`${x},${y},${z}`);
    const job = id === undefined ? undefined : jobs.get(id);
    const picture = pictureOf(job);
    if (picture) {
      return (
        <button type="button" aria-label={`Look at ${sent.labels.x[x]} ${sent.labels.y[y]} ${sent.labels.z[z]}`} onClick={() => inspectPicture(picture)}>
          <img src={pictureUrl(picture)} alt="" />
        </button>
      );
    }
    return <span className={`cell-blank ${job?.state ?? ""}`}>{job?.state === "failed" ? "failed" : job?.state === "running" ? "now" : ""}</span>;
  };
  const named = (axis: keyof Axes, index: number) => (sent.axes[axis].kind === "none" ? "" : sent.labels[axis][index]);
  return (
    <div className="sheets">
      {sent.labels.z.map((_, z) => (
        <table className="sheet" key={z}>
          <caption>{sent.axes.z.kind === "none" ? <span className="visually-hidden">Grid</span> : `${AXIS_NAMES[sent.axes.z.kind]}: ${sent.labels.z[z]}`}</caption>
          <thead>
            <tr>
              <td />
              {sent.labels.x.map((_label, x) => (
                <th key={x} scope="col" title={AXIS_NAMES[sent.axes.x.kind]}>
                  {named("x", x)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sent.labels.y.map((_label, y) => (
              <tr key={y}>
                <th scope="row" title={AXIS_NAMES[sent.axes.y.kind]}>
                  {named("y", y)}
                </th>
                {sent.labels.x.map((_value, x) => (
                  <td key={x}>{cell(x, y, z)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </div>
  );
}

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
  const pictures = useMemo(() => {
    const found = new Map<string, Picture>();
    for (const { job } of sent?.cells ?? []) {
      const picture = pictureOf(jobs.get(job));
      if (picture) found.set(job, picture);
    }
    return found;
  }, [sent, jobs]);
  if (!types || !form) return <p className="waiting soft">Waiting for the server…</p>;

  const guarded = (act: Promise<unknown>) => void act.catch((error: Error) => toast(error.message, "bad"));
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
        {left.length > 0 && <Button icon="close" label={`Cancel ${left.length}`} small onClick={() => guarded(cancel(left))} />}
        <Button
          icon="save"
          label="Save the sheet"
          small
          disabled={!sent || pictures.size === 0}
          onClick={() => sent && guarded(drawSheet(sent, pictures).then((blob) => download(blob, "grid.png")))}
        />
        <RenderButton label="Render the grid" small disabled={sending} onClick={() => guarded(sendGrid(form, types))} />
      </div>
      <div className="page-body" tabIndex={0} role="region" aria-label="Axes and sheet">
        <div className="axes">
          {(["x", "y", "z"] as const).map((name) => (
            <AxisFields key={name} name={name} axes={axes} types={types} />
          ))}
        </div>
        {sent ? (
          <>
            <p className="faint sheet-state">
              {pictures.size} of {sent.cells.length} rendered
            </p>
            <Sheet sent={sent} jobs={jobs} />
          </>
        ) : (
          <Empty icon="grid" title="Compare many at once">
            <p>Choose what changes along each axis. Ranges may be written as 1-5, 2-8 (+2) or 0-1 [5]; for words of the prompt, the first is replaced by the others.</p>
          </Empty>
        )}
      </div>
    </div>
  );
}
