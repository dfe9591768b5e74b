import { AXIS_NAMES } from "../../forms/axes.ts";
import { imageUrl } from "../../service/images.ts";
import type { Job } from "../../service/jobs.ts";
import { type Axes, imageOf, type SentGrid } from "../../workspace/grid.ts";
import { inspectImage } from "../../workspace/inspected.ts";

export function GridTable({ sent, jobs }: { sent: SentGrid; jobs: ReadonlyMap<string, Job> }) {
  const at = new Map(sent.cells.map((cell) => [`${cell.x},${cell.y},${cell.z}`, cell.job]));
  const cell = (x: number, y: number, z: number) => {
    const id = at.get(`${x},${y},${z}`);
    const job = id === undefined ? undefined : jobs.get(id);
    const image = imageOf(job);
    if (image) {
      return (
        <button type="button" aria-label={`View ${sent.labels.x[x]} ${sent.labels.y[y]} ${sent.labels.z[z]}`} onClick={() => inspectImage(image)}>
          <img src={imageUrl(image)} alt="" />
        </button>
      );
    }
    return <span className={`cell-blank ${job?.state ?? ""}`}>{job?.state === "failed" ? "failed" : job?.state === "running" ? "now" : ""}</span>;
  };
  const named = (axis: keyof Axes, index: number) => (sent.axes[axis].kind === "none" ? "" : sent.labels[axis][index]);
  return (
    <div className="grid-tables">
      {sent.labels.z.map((_, z) => (
        <table className="grid-table" key={z}>
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
